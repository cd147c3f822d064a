import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.Collections;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/** Loads the stores of each folder as a Kafka client does, and prints what is in them. */
class Stores {
    static final char[] PASSWORD = "changeme".toCharArray();

    static KeyStore load(String type, String file) throws Exception {
        KeyStore store = KeyStore.getInstance(type);
        try (FileInputStream in = new FileInputStream(file)) {
            store.load(in, PASSWORD);
        }
        return store;
    }

    static boolean signs(KeyStore store, String alias) throws Exception {
        PrivateKey key = (PrivateKey) store.getKey(alias, PASSWORD);
        String algorithm = key.getAlgorithm().equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA";
        Signature signature = Signature.getInstance(algorithm);
        signature.initSign(key);
        signature.update(new byte[] {1, 2, 3});
        byte[] signed = signature.sign();
        signature.initVerify(store.getCertificate(alias));
        signature.update(new byte[] {1, 2, 3});
        return signature.verify(signed);
    }

    public static void main(String[] folders) throws Exception {
        for (String folder : folders) {
            for (String type : new String[] {"PKCS12", "JKS"}) {
                KeyStore keys = load(type, folder + "/client.keystore.p12");
                for (String alias : Collections.list(keys.aliases())) {
                    System.out.println(type + " key " + alias + " signs=" + signs(keys, alias)
                        + " chain=" + keys.getCertificateChain(alias).length);
                }
                KeyStore trusted = load(type, folder + "/client.truststore.jks");
                java.util.List<String> aliases = Collections.list(trusted.aliases());
                Collections.sort(aliases);
                for (String alias : aliases) {
                    System.out.println(type + " trusted " + alias + " " + trusted.isCertificateEntry(alias));
                }
                KeyManagerFactory keyManagers = KeyManagerFactory.getInstance("SunX509");
                keyManagers.init(keys, PASSWORD);
                TrustManagerFactory trustManagers = TrustManagerFactory.getInstance("PKIX");
                trustManagers.init(trusted);
                SSLContext context = SSLContext.getInstance("TLS");
                context.init(keyManagers.getKeyManagers(), trustManagers.getTrustManagers(), null);
                X509TrustManager manager = (X509TrustManager) trustManagers.getTrustManagers()[0];
                System.out.println(type + " anchors " + manager.getAcceptedIssuers().length);
                X509Certificate leaf = (X509Certificate) keys.getCertificate("1");
                manager.checkClientTrusted(new X509Certificate[] {leaf}, leaf.getPublicKey().getAlgorithm());
            }
        }
    }
}
