//! Both stores, as a real JVM and OpenSSL read them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use aivenator::shell::keystore::{Encryption, Failure, Material, PASSWORD, Part, Stores, digests};
use secrecy::SecretString;
use tempfile::TempDir;

use crate::support::repository;

/// Runs a program that has to succeed; gives what it prints.
fn run(folder: &Path, program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).current_dir(folder).output();
    let output = output.unwrap_or_else(|error| panic!("{program} is needed for this test: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {args:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap() + &stderr
}

fn openssl(folder: &Path, args: &str) -> String {
    run(folder, "openssl", &args.split(' ').collect::<Vec<_>>())
}

/// Whether there is a JDK; that there is none has to be said.
pub fn has_jdk() -> bool {
    let found = ["java", "javac", "keytool"].iter().all(|tool| Command::new(tool).arg("-help").output().is_ok());
    assert!(
        found || std::env::var_os("AIVENATOR_WITHOUT_JDK").is_some(),
        "no JDK (java, javac, keytool) is installed, so nothing shows that a JVM can read the stores: install one \
         (openjdk-17-jdk-headless), or set AIVENATOR_WITHOUT_JDK=1 to do without"
    );
    found
}

/// A CA, another one, and a key of each kind with a certificate.
fn authority() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for ca in ["ca", "other"] {
        openssl(
            at,
            &format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {ca}.key -out {ca}.pem -days 30 -subj /CN={ca}"
            ),
        );
    }
    let kinds = [
        ("rsa", "RSA -pkeyopt rsa_keygen_bits:2048"),
        ("ec", "EC -pkeyopt ec_paramgen_curve:P-256"),
        ("p384", "EC -pkeyopt ec_paramgen_curve:P-384"),
    ];
    for (name, algorithm) in kinds {
        openssl(at, &format!("genpkey -algorithm {algorithm} -out {name}.pkcs8"));
        openssl(at, &format!("pkey -in {name}.pkcs8 -traditional -out {name}.traditional"));
        openssl(at, &format!("req -new -key {name}.pkcs8 -subj /CN=team_{name} -out {name}.csr"));
        openssl(
            at,
            &format!("x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out {name}.pem"),
        );
    }
    folder
}

fn read(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap()
}

fn material(key: &str, certificate: &str, ca: &str) -> Material {
    Material { key: SecretString::from(key), certificate: certificate.to_owned(), ca: ca.to_owned() }
}

/// Writes the stores of a case into a folder of its own.
fn case(folder: &TempDir, name: &str, material: &Material, encryption: Encryption) -> PathBuf {
    let stores = Stores::new(material, encryption).unwrap_or_else(|failure| panic!("{name}: {failure}"));
    let path = folder.path().join(name);
    fs::create_dir(&path).unwrap();
    fs::write(path.join("client.keystore.p12"), stores.keystore.as_slice()).unwrap();
    fs::write(path.join("client.truststore.jks"), &stores.truststore).unwrap();
    path
}

/// Every form of key, with each encryption; one with a chain, text around and Windows' ends of lines, two CAs.
fn cases(folder: &TempDir) -> Vec<PathBuf> {
    let mut cases = vec![];
    let (ca, other) = (read(folder, "ca.pem"), read(folder, "other.pem"));
    for kind in ["rsa", "ec", "p384"] {
        for form in ["pkcs8", "traditional"] {
            for encryption in [Encryption::Modern, Encryption::Legacy] {
                let key = read(folder, &format!("{kind}.{form}"));
                let certificate = read(folder, &format!("{kind}.pem"));
                let name = format!("{kind}-{form}-{encryption:?}");
                cases.push(case(folder, &name, &material(&key, &certificate, &ca), encryption));
            }
        }
    }
    let windows = |text: &str| format!("Bag Attributes\r\n    name: a\r\n{}", text.replace('\n', "\r\n"));
    let key = windows(&read(folder, "rsa.traditional"));
    // The CA comes first, and is not what the key is for.
    let chain = windows(&(ca.clone() + &read(folder, "rsa.pem")));
    cases.push(case(
        folder,
        "chain",
        &material(&key, &chain, &windows(&(ca.clone() + &other + &ca))),
        Encryption::Modern,
    ));
    cases
}

#[test]
fn a_jvm_reads_both_stores() {
    if !has_jdk() {
        return;
    }
    let folder = authority();
    let cases = cases(&folder);
    let source = repository("tests/shell/keystore/Stores.java");
    let mut args = vec![source.to_str().unwrap()];
    args.extend(cases.iter().map(|case| case.to_str().unwrap()));
    let printed = run(folder.path(), "java", &args);
    let expected: String = cases.iter().map(|case| expected(case.ends_with("chain"))).collect();
    assert_eq!(printed.replace("\r\n", "\n"), expected);
    for (store, line) in [("client.keystore.p12", "\n1, "), ("client.truststore.jks", "\nca, ")] {
        let store = cases[0].join(store);
        let listed =
            run(folder.path(), "keytool", &["-list", "-keystore", store.to_str().unwrap(), "-storepass", PASSWORD]);
        let kind = if line == "\n1, " { "PrivateKeyEntry" } else { "trustedCertEntry" };
        assert!(listed.contains(line) && listed.contains(kind) && listed.contains("contains 1 entry"), "{listed}");
    }
}

fn expected(chain: bool) -> String {
    let of = |kind: &str| {
        let length = if chain { 2 } else { 1 };
        let anchors = if chain { 2 } else { 1 };
        let second = if chain { format!("{kind} trusted ca-1 true\n") } else { String::new() };
        format!("{kind} key 1 signs=true chain={length}\n{kind} trusted ca true\n{second}{kind} anchors {anchors}\n")
    };
    of("PKCS12") + &of("JKS")
}

#[test]
fn openssl_reads_both_stores() {
    let folder = authority();
    for case in cases(&folder) {
        let read = |store: &str| openssl(&case, &format!("pkcs12 -in {store} -passin pass:{PASSWORD} -nodes -info"));
        let keys = read("client.keystore.p12");
        let legacy = case.to_str().unwrap().ends_with("Legacy");
        let scheme = if legacy { "pbeWithSHA1And3-KeyTripleDES-CBC" } else { "PBES2, PBKDF2, AES-256-CBC" };
        let mac = if legacy { "MAC: sha1" } else { "MAC: sha256" };
        assert!(keys.contains(scheme) && keys.contains(mac), "{keys}");
        let key = openssl(&case, &format!("pkcs12 -in client.keystore.p12 -passin pass:{PASSWORD} -nodes -nocerts"));
        assert!(key.contains("BEGIN PRIVATE KEY") && key.contains("localKeyID"), "the key is there");
        assert!(!key.contains("friendlyName"), "and has no name");
        let trusted = read("client.truststore.jks");
        assert!(trusted.contains("friendlyName: ca") && trusted.contains("2.16.840.1.113894.746875.1.1"), "{trusted}");
    }
}

#[tokio::test]
async fn the_key_of_a_store_is_the_one_that_was_given() {
    let folder = authority();
    let given = material(&read(&folder, "ec.traditional"), &read(&folder, "ec.pem"), &read(&folder, "ca.pem"));
    let stores = Stores::make(given, Encryption::Modern).await.unwrap();
    fs::write(folder.path().join("store"), stores.keystore.as_slice()).unwrap();
    openssl(folder.path(), &format!("pkcs12 -in store -passin pass:{PASSWORD} -nodes -nocerts -out inside.pem"));
    let key = openssl(folder.path(), "pkey -in inside.pem");
    assert_eq!(key, read(&folder, "ec.pkcs8"));
}

#[test]
fn stores_differ_in_every_writing_and_their_digests_fit() {
    let folder = authority();
    let given = material(&read(&folder, "rsa.pkcs8"), &read(&folder, "rsa.pem"), &read(&folder, "ca.pem"));
    let [one, other] = [(); 2].map(|()| Stores::new(&given, Encryption::Modern).unwrap());
    assert!(one.keystore != other.keystore && one.truststore != other.truststore);
    assert_ne!(one.digests(), other.digests());
    fs::write(folder.path().join("store"), &one.truststore).unwrap();
    let printed = openssl(folder.path(), "dgst -sha256 -r store");
    let hexadecimal = printed.split(' ').next().unwrap();
    assert!(one.digests().ends_with(&format!(",{hexadecimal}")), "keystore, comma, truststore");
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(digests(b"", b""), format!("{empty},{empty}"));
}

#[test]
fn bad_material_is_told_without_quoting_it() {
    let folder = authority();
    let (key, certificate, ca) = (read(&folder, "ec.pkcs8"), read(&folder, "ec.pem"), read(&folder, "ca.pem"));
    let check = |given: Material, expected: Failure| {
        let failure = Stores::new(&given, Encryption::Modern).err();
        assert_eq!(failure, Some(expected));
        assert!(!format!("{expected} {expected:?}").contains("hunter2"), "{expected}");
    };
    let block = |label: &str, body: &str| format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
    check(material("", &certificate, &ca), Failure::Absent(Part::Key));
    check(material("hunter2", &certificate, &ca), Failure::Absent(Part::Key));
    check(material(&certificate, &certificate, &ca), Failure::Absent(Part::Key));
    check(material(&key, &key, &ca), Failure::Absent(Part::Certificate));
    check(material(&key, &certificate, "<redacted>"), Failure::Absent(Part::Ca));
    check(material(&key, &certificate, &block("CERTIFICATE", "hunter2!")), Failure::Broken(Part::Ca));
    check(material(&key, &block("CERTIFICATE", "aHVudGVyMg=="), &ca), Failure::Undecodable(Part::Certificate));
    for label in ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"] {
        let given = material(&block(label, "aHVudGVyMg=="), &certificate, &ca);
        assert_eq!(Stores::new(&given, Encryption::Modern).err(), Some(Failure::Undecodable(Part::Key)), "{label}");
    }
    let encrypted = block("ENCRYPTED PRIVATE KEY", "aHVudGVyMg==");
    check(material(&encrypted, &certificate, &ca), Failure::Encrypted);
}

#[test]
fn encryptions_have_names() {
    assert_eq!("legacy".parse(), Ok(Encryption::Legacy));
    assert_eq!("modern".parse(), Ok(Encryption::default()));
    assert_eq!("rc2".parse::<Encryption>().unwrap_err(), "'rc2' is not a keystore encryption: it is modern or legacy");
}
