//! The CA of a project and the client certificates that it signs: real ones, with keys on P-256, so that thousands are
//! made in a second.
//!
//! Decides how long a certificate holds; never who gets one.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

/// How long a client certificate holds.
const CLIENT_LIFE: SignedDuration = SignedDuration::from_hours(24 * 820);
/// How long a CA holds.
const AUTHORITY_LIFE: SignedDuration = SignedDuration::from_hours(24 * 3650);
/// How long before its end a client certificate is replaced by a new one.
const RENEWAL: SignedDuration = SignedDuration::from_hours(24 * 90);

/// The CA of one project.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A client certificate and its key, both PEM.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
    pub(super) ends: Option<Timestamp>,
}

impl Authority {
    pub(super) fn new(project: &str, now: Timestamp) -> Result<Self, rcgen::Error> {
        // From before any certificate of a loaded document began, to after the clock has been moved far.
        let begins = now.checked_sub(AUTHORITY_LIFE).unwrap_or(Timestamp::MIN);
        let ends = now.checked_add(AUTHORITY_LIFE).unwrap_or(Timestamp::MAX);
        let mut params = params(&format!("{project} Project CA"), begins, ends);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Authority { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)? })
    }

    pub(super) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A new key and a certificate for it that begins then, to the second.
    pub(super) fn issue(&self, username: &str, begins: Timestamp) -> Result<Pair, rcgen::Error> {
        let ends = end(begins);
        let mut params = params(username, begins, ends);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem(), ends: Some(ends) })
    }
}

/// The end of a client certificate that begins then.
fn end(begins: Timestamp) -> Timestamp {
    whole(begins.checked_add(CLIENT_LIFE).unwrap_or(Timestamp::MAX))
}

/// When a client certificate of that end began.
pub(super) fn beginning(ends: Timestamp) -> Timestamp {
    ends.checked_sub(CLIENT_LIFE).unwrap_or(Timestamp::MIN)
}

/// When a client certificate of that end is replaced.
pub(super) fn renewal(ends: Timestamp) -> Timestamp {
    ends.checked_sub(RENEWAL).unwrap_or(Timestamp::MIN)
}

/// The ends of the current and of the last certificate, once all renewals until now are done; `None` if none is due.
pub(super) fn renewed(ends: Timestamp, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let (mut current, mut before) = (ends, None);
    while renewal(current) <= now && current < Timestamp::MAX {
        before = Some(current);
        current = end(renewal(current));
    }
    before.map(|before| (current, before))
}

/// The second that a moment is in.
pub(super) fn whole(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}

fn params(name: &str, begins: Timestamp, ends: Timestamp) -> CertificateParams {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let seconds = |moment: Timestamp| Duration::from_secs(u64::try_from(moment.as_second()).unwrap_or(0));
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = epoch + seconds(begins);
    params.not_after = epoch + seconds(ends);
    params
}
