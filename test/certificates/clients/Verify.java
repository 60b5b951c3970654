import java.io.FileInputStream;
import java.net.Socket;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.*;

/**
 * BUNDLE PORT NAME: whether Java takes the server on loopback for NAME. With - for BUNDLE it trusts what its
 * system properties say.
 */
public class Verify {
  public static void main(String[] args) throws Exception {
    SSLContext context = args[0].equals("-") ? SSLContext.getDefault() : trusting(args[0]);
    int port = Integer.parseInt(args[1]);
    try (SSLSocket socket = (SSLSocket) context.getSocketFactory()
        .createSocket(new Socket("127.0.0.1", port), args[2], port, true)) {
      SSLParameters parameters = socket.getSSLParameters();
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      socket.setSSLParameters(parameters);
      socket.startHandshake();
      System.out.println("trusted");
    } catch (SSLException error) {
      System.out.println("refused: " + error.getMessage());
    }
  }

  private static SSLContext trusting(String path) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null);
    try (FileInputStream bundle = new FileInputStream(path)) {
      int number = 0;
      for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(bundle))
        store.setCertificateEntry("root" + number++, one);
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }
}
