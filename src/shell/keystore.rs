//! The two stores of a Secret that a JVM reads: the user's key with its certificate, and the CAs that it trusts.
//!
//! Decides how both are written. Takes PEM texts as Aiven gives them; says what is wrong with them without quoting any
//! of it. What it holds of a key itself is overwritten after use; copies that the libraries below make are not.

mod der;
mod nameless;
mod pem;

use std::fmt::Write as _;
use std::str::FromStr;

use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey, PrivateKeyChain,
};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use x509_cert::der::{Decode as _, Encode as _};
use zeroize::Zeroizing;

use self::pem::{Block, Label};

/// The password of both stores; they are protected by the Secret that holds them.
pub const PASSWORD: &str = "changeme";

/// How both are encrypted (`--keystore-encryption`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encryption {
    /// PBES2 with AES-256, and HMAC-SHA-256.
    #[default]
    Modern,
    /// 3DES and HMAC-SHA-1, for Java 8 before u301 and 11 before 11.0.12.
    Legacy,
}

/// What goes into the stores, as PEM.
pub struct Material {
    /// The private key, in PKCS#1, SEC1 or PKCS#8.
    pub key: SecretString,
    /// Its certificate, perhaps with the chain above it.
    pub certificate: String,
    /// The CAs to trust.
    pub ca: String,
}

/// Both stores, PKCS#12; random in every writing.
pub struct Stores {
    /// `client.keystore.p12`
    pub keystore: Zeroizing<Vec<u8>>,
    /// `client.truststore.jks`
    pub truststore: Vec<u8>,
}

/// Which text is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The private key.
    Key,
    /// The certificate.
    Certificate,
    /// The CA.
    Ca,
}

/// Why there are no stores; fits after "failed to".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nothing of it is PEM, or of the right kind.
    #[error("make keystores: the {0} holds no PEM block of that kind")]
    Absent(Part),
    /// A block has no end, or is not base64.
    #[error("make keystores: the {0} holds a broken PEM block")]
    Broken(Part),
    /// A block holds something else than it says.
    #[error("make keystores: the {0} cannot be decoded")]
    Undecodable(Part),
    /// A key needs a password.
    #[error("make keystores: the private key is encrypted")]
    Encrypted,
    /// PKCS#12 could not be written.
    #[error("make keystores: encoding failed")]
    Encoding,
    /// The work was stopped.
    #[error("make keystores: interrupted")]
    Interrupted,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Part::Key => "private key",
            Part::Certificate => "certificate",
            Part::Ca => "CA",
        })
    }
}

impl FromStr for Encryption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "modern" => Ok(Encryption::Modern),
            "legacy" => Ok(Encryption::Legacy),
            _ => Err(format!("'{text}' is not a keystore encryption: it is modern or legacy")),
        }
    }
}

impl Stores {
    /// Writes both: some milliseconds of work.
    pub fn new(material: &Material, encryption: Encryption) -> Result<Stores, Failure> {
        Ok(Stores { keystore: keystore(material, encryption)?, truststore: truststore(&material.ca, encryption)? })
    }

    /// Does the same where it keeps nobody waiting.
    pub async fn make(material: Material, encryption: Encryption) -> Result<Stores, Failure> {
        #[cfg(feature = "sandbox")]
        if super::clock::simulated::is_set() {
            return Ok(Stores::sketched(&material));
        }
        let made = tokio::task::spawn_blocking(move || Stores::new(&material, encryption)).await;
        made.map_err(|_| Failure::Interrupted)?
    }

    /// What stands for both in a simulated process: the work of real ones would be all that it does.
    #[cfg(feature = "sandbox")]
    fn sketched(material: &Material) -> Stores {
        let of_user = format!("{}{}", material.key.expose_secret(), material.certificate);
        let keystore = Zeroizing::new(hexadecimal(of_user.as_bytes()).into_bytes());
        Stores { keystore, truststore: hexadecimal(material.ca.as_bytes()).into_bytes() }
    }

    /// The digests that the Secret notes.
    pub fn digests(&self) -> String {
        digests(&self.keystore, &self.truststore)
    }
}

/// SHA-256 of both stores as written, hexadecimal, with a comma between.
pub fn digests(keystore: &[u8], truststore: &[u8]) -> String {
    format!("{},{}", hexadecimal(keystore), hexadecimal(truststore))
}

fn hexadecimal(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn keystore(material: &Material, encryption: Encryption) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let blocks = pem::blocks(material.key.expose_secret(), Part::Key)?;
    let block = blocks.iter().find(|block| block.label != Label::Certificate).ok_or(Failure::Absent(Part::Key))?;
    let mut certificates = certificates(&material.certificate, Part::Certificate)?;
    let public = public_key(block)?;
    let fitting = certificates.iter().position(|der| public.is_some() && spki(der) == public);
    let leaf = certificates.remove(fitting.unwrap_or_default());
    let key = pkcs8(block, &leaf)?;
    let key = PrivateKey::from_der(&key).map_err(|_| Failure::Undecodable(Part::Key))?;
    let chain = std::iter::once(leaf).chain(certificates);
    let chain: Result<Vec<_>, _> = chain.map(|der| decoded(&der, Part::Certificate)).collect();
    let mut store = KeyStore::new();
    store.add_entry("", KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new("1", key, chain?)));
    let named = Zeroizing::new(written(&store, encryption)?);
    nameless::without_name(&named, PASSWORD, encryption).map(Zeroizing::new).ok_or(Failure::Encoding)
}

fn truststore(ca: &str, encryption: Encryption) -> Result<Vec<u8>, Failure> {
    let mut store = KeyStore::new();
    for (index, der) in certificates(ca, Part::Ca)?.iter().enumerate() {
        let alias = if index == 0 { "ca".to_owned() } else { format!("ca-{index}") };
        store.add_entry(&alias, KeyStoreEntry::Certificate(decoded(der, Part::Ca)?));
    }
    written(&store, encryption)
}

/// The certificates in a text, at least one, each once.
fn certificates(text: &str, part: Part) -> Result<Vec<Zeroizing<Vec<u8>>>, Failure> {
    let mut found: Vec<Zeroizing<Vec<u8>>> = vec![];
    for block in pem::blocks(text, part)? {
        if block.label == Label::Certificate && !found.contains(&block.der) {
            found.push(block.der);
        }
    }
    if found.is_empty() { Err(Failure::Absent(part)) } else { Ok(found) }
}

fn decoded(der: &[u8], part: Part) -> Result<Certificate, Failure> {
    Certificate::from_der(der).map_err(|_| Failure::Undecodable(part))
}

fn written(store: &KeyStore, encryption: Encryption) -> Result<Vec<u8>, Failure> {
    let (cipher, mac) = match encryption {
        Encryption::Modern => (EncryptionAlgorithm::PbeWithHmacSha256AndAes256, MacAlgorithm::HmacSha256),
        Encryption::Legacy => (EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc, MacAlgorithm::HmacSha1),
    };
    let writer = store.writer(PASSWORD).encryption_algorithm(cipher).mac_algorithm(mac);
    writer.write().map_err(|_| Failure::Encoding)
}

/// The public half of a key, where it can be told: not of every kind of key.
fn public_key(block: &Block) -> Result<Option<Vec<u8>>, Failure> {
    let bytes = block.der.as_slice();
    let key = match block.label {
        Label::Pkcs8 => PrivateKeyDer::Pkcs8(bytes.into()),
        Label::Pkcs1 => PrivateKeyDer::Pkcs1(bytes.into()),
        Label::Sec1 => PrivateKeyDer::Sec1(bytes.into()),
        Label::Encrypted => return Err(Failure::Encrypted),
        Label::Certificate => return Err(Failure::Absent(Part::Key)),
    };
    let key = any_supported_type(&key).ok();
    Ok(key.and_then(|key| Some(key.public_key()?.as_ref().to_vec())))
}

/// The public key that a certificate is for.
fn spki(certificate: &[u8]) -> Option<Vec<u8>> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    certificate.tbs_certificate().subject_public_key_info().to_der().ok()
}

/// The key as PKCS#8, which alone PKCS#12 holds; where a curve is not named in the key, it is that of the certificate.
fn pkcs8(block: &Block, leaf: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let algorithm = match block.label {
        Label::Pkcs1 if !der::is_pkcs1(&block.der) => return Err(Failure::Undecodable(Part::Key)),
        Label::Sec1 if !der::is_sec1(&block.der) => return Err(Failure::Undecodable(Part::Key)),
        Label::Pkcs1 => der::RSA.to_vec(),
        Label::Sec1 => match der::curve(&block.der) {
            Some(curve) => der::sequence(&[der::EC, curve]),
            None => algorithm(leaf).ok_or(Failure::Undecodable(Part::Key))?,
        },
        Label::Pkcs8 => return Ok(block.der.clone()),
        Label::Encrypted | Label::Certificate => return Err(Failure::Encrypted),
    };
    let key = Zeroizing::new(der::element(der::OCTETS, &block.der));
    Ok(Zeroizing::new(der::sequence(&[der::ZERO, &algorithm, &key])))
}

fn algorithm(certificate: &[u8]) -> Option<Vec<u8>> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    certificate.tbs_certificate().subject_public_key_info().algorithm.to_der().ok()
}
