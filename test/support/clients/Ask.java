import java.net.URI;
import javax.net.ssl.HttpsURLConnection;

/** URL: asks by Java's own client, which trusts what its system properties say. */
public class Ask {
  public static void main(String[] args) throws Exception {
    ((HttpsURLConnection) URI.create(args[0]).toURL().openConnection()).getResponseCode();
  }
}
