import java.io.FileInputStream;
import java.net.Socket;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.security.cert.Certificate;
import javax.net.ssl.*;

/** BUNDLE PORT NAME: whether Java takes the server on loopback for NAME. */
public class Verify {
  public static void main(String[] args) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null);
    try (FileInputStream bundle = new FileInputStream(args[0])) {
      int number = 0;
      for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(bundle))
        store.setCertificateEntry("root" + number++, one);
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    try (SSLSocket socket = (SSLSocket) context.getSocketFactory()
        .createSocket(new Socket("127.0.0.1", Integer.parseInt(args[1])), args[2], Integer.parseInt(args[1]), true)) {
      SSLParameters parameters = socket.getSSLParameters();
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      socket.setSSLParameters(parameters);
      socket.startHandshake();
      System.out.println("trusted");
    } catch (SSLException error) {
      System.out.println("refused: " + error.getMessage());
    }
  }
}
