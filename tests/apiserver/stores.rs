//! The keystores of a Secret in a real cluster, as a JDK's keytool and OpenSSL read them.

use std::path::Path;
use std::process::Command;

use super::{assets, with_the_real_server};
use crate::shell::keystore::has_jdk;
use crate::shell::operator::given::{app, kafka};
use crate::shell::operator::rig::Rig;

const STORES: [&str; 2] = ["client.keystore.p12", "client.truststore.jks"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jdk_and_openssl_read_the_stores_of_a_secret() {
    if assets().is_none() {
        return;
    }
    with_the_real_server(async {
        let rig = Rig::new().await;
        rig.apply(app("web", kafka("web")));
        let operator = rig.start();
        rig.complete(&["web"]).await;
        operator.stop().await;
        let folder = tempfile::tempdir().unwrap();
        for store in STORES {
            std::fs::write(folder.path().join(store), rig.bytes("web", store)).unwrap();
        }
        for (file, key) in [("key", "KAFKA_PRIVATE_KEY"), ("certificate", "KAFKA_CERTIFICATE"), ("ca", "KAFKA_CA")] {
            std::fs::write(folder.path().join(file), rig.value("web", key)).unwrap();
        }
        let password = rig.value("web", "KAFKA_CREDSTORE_PASSWORD");
        openssl_reads(folder.path(), &password);
        if has_jdk() {
            keytool_reads(folder.path(), &password);
        }
    })
    .await;
}

fn run(folder: &Path, program: &str, words: &str) -> String {
    let output = Command::new(program).args(words.split(' ')).current_dir(folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {words}: {said}");
    said
}

/// Without the provider of what is outdated; key and certificate are the ones beside the store.
fn openssl_reads(folder: &Path, password: &str) {
    let openssl = |words: &str| run(folder, "openssl", words);
    openssl(&format!("pkcs12 -in client.keystore.p12 -passin pass:{password} -nodes -nocerts -out inside.key"));
    openssl(&format!("pkcs12 -in client.keystore.p12 -passin pass:{password} -nokeys -clcerts -out inside.pem"));
    openssl(&format!("pkcs12 -in client.truststore.jks -passin pass:{password} -nokeys -out inside.ca"));
    assert_eq!(openssl("pkey -in inside.key -pubout"), openssl("pkey -in key -pubout"));
    for (inside, beside) in [("inside.pem", "certificate"), ("inside.ca", "ca")] {
        let print = |file: &str| openssl(&format!("x509 -in {file} -noout -fingerprint -sha256"));
        assert_eq!(print(inside), print(beside));
    }
}

/// One key with its certificate, and one certificate that is trusted.
fn keytool_reads(folder: &Path, password: &str) {
    let print = run(folder, "openssl", "x509 -in certificate -noout -fingerprint -sha256");
    let print = print.trim().rsplit('=').next().unwrap().to_owned();
    for (store, kind) in STORES.into_iter().zip(["PrivateKeyEntry", "trustedCertEntry"]) {
        let listed = run(folder, "keytool", &format!("-list -v -keystore {store} -storepass {password}"));
        assert!(listed.contains("contains 1 entry") && listed.contains(&format!("Entry type: {kind}")), "{listed}");
        assert!(kind == "trustedCertEntry" || listed.contains(&print), "{listed}");
    }
}
