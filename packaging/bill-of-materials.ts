/**
 * The bill of materials of the npm package, in CycloneDX 1.6: what others' code is in it, from which package,
 * under which licence. It has neither a time nor a serial number, so that the same sources give the same
 * octets.
 */
import type { LockedPackage } from "./lock.ts";

interface Product {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
}

export function renderBillOfMaterials(product: Product, packages: readonly LockedPackage[]): string {
  const ref = packageUrl(product);
  const bill = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": ref,
        name: product.name,
        version: product.version,
        description: product.description,
        licenses: [{ expression: product.license }],
        purl: ref,
      },
    },
    components: packages.map(renderComponent),
    dependencies: [{ ref, dependsOn: packages.map(packageUrl) }],
  };
  return `${JSON.stringify(bill, undefined, 2)}\n`;
}

function renderComponent({ name, version, license, integrity }: LockedPackage): object {
  const purl = packageUrl({ name, version });
  const content = Buffer.from(integrity.slice("sha512-".length), "base64").toString("hex");
  return {
    type: "library",
    "bom-ref": purl,
    name,
    version,
    licenses: [{ expression: license }],
    purl,
    hashes: [{ alg: "SHA-512", content }],
  };
}

function packageUrl({ name, version }: { readonly name: string; readonly version: string }): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}
