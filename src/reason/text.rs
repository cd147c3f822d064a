//! Reasons in plain words.
//!
//! Takes as given the data that a reason carries. Says what is so and, where a person has to act, what can be done;
//! lists that may be long are cut.

use std::fmt;

use jiff::SignedDuration;

use super::{At, Drift, Hold, Mend, Reason, Renewal, Taker, Unwanted};
use crate::world::{BrokenRecord, ConsumerKind, ConsumerRef, FailureClass, SecretKey, ServiceKey, names};

impl fmt::Display for Reason {
    #[expect(clippy::too_many_lines, reason = "one line per reason")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::UpToDate => f.write_str("everything is as it has to be"),
            Reason::StatusOutdated => f.write_str("only its status is not what it has to be"),
            Reason::SpecChanged { first, what } => spec_changed(f, *first, what),
            Reason::SecretMissing { secret } => write!(f, "secret {secret} does not exist"),
            Reason::Drifted { what } => write!(f, "{}", list(what, "; ")),
            Reason::ResyncRequested => {
                f.write_str("its synchronization hash was emptied: a person asks for every secret to be written again")
            }
            Reason::CertificateEnding { user, ends, then } => ending(f, &user.username, At(*ends), *then),
            Reason::RotationDue { user, since } => {
                write!(f, "user {} has existed since {}: a new one takes over", user.username, At(*since))
            }
            Reason::SecretNameMissing { service, instance } => {
                write!(f, "{service} {instance} names no secret: set its secretName")
            }
            Reason::InvalidName { what, name, rule: _ } if name.is_empty() => write!(f, "{what} must not be empty"),
            Reason::InvalidName { what, name, rule } => write!(f, "{what} is \"{name}\", but has to be {rule}"),
            Reason::KeyCollision { secret, key, first, second } if first == second => write!(
                f,
                "two entries for {first} with different access would both write {key} into secret {secret}: give one its own \
                 secret"
            ),
            Reason::KeyCollision { secret, key, first, second } => {
                write!(f, "{first} and {second} would both write {key} into secret {secret}: give one its own secret")
            }
            Reason::PoolNotAllowed { pool, service, held } => {
                let setting = if service.instance_kind().is_none() { "--projects" } else { "--main-project" };
                write!(f, "Aiven project {pool} is not one that this cluster may use for {service} ({setting})")?;
                if *held { write!(f, ": allow it, or {Release}") } else { Ok(()) }
            }
            Reason::SecretNotManaged { secret } => write!(
                f,
                "there is a Secret {secret} that is not managed by aivenator, and it is left alone: name another one"
            ),
            Reason::SecretContested { secret, by } => {
                write!(f, "secret {secret} belongs to application {by}: name another one")
            }
            Reason::SecretImmutable { secret } => {
                write!(f, "secret {secret} is immutable and would have to change: delete it, and it is made again")
            }
            Reason::InstanceNotFound { service, names } => {
                let kind = service.instance_kind().unwrap_or("instance");
                write!(f, "the namespace has no {kind} named {}", list(names, " or "))?;
                match names.as_slice() {
                    [name] => twice(name).map_or(Ok(()), |prefix| write!(f, ": leave out the prefix {prefix}")),
                    _ => Ok(()),
                }
            }
            Reason::InstanceNotReady { name, state } => {
                let state = if state.is_empty() { "unknown" } else { state };
                write!(f, "{name} is not ready: its state is {state}")
            }
            Reason::InstanceAmbiguous { name, namespaces } => {
                write!(
                    f,
                    "namespaces {} each hold an instance {name}, and whose it is cannot be told: one of them needs \
                     another name",
                    and(namespaces)
                )
            }
            Reason::ServiceNotFound { service } => write!(f, "Aiven has no service {service}"),
            Reason::AddressMissing { service, key } => {
                write!(f, "service {service} has no address for {key} that may be taken (--aiven-routes)")
            }
            Reason::CredentialsNotReady { user } => write!(f, "Aiven has not given the credentials of {user} yet"),
            // It says itself what to add.
            Reason::NotObserved { what: _, why } if why.starts_with("Aiven project") => f.write_str(why),
            Reason::NotObserved { what, why } => write!(f, "cannot be decided without {what}: {why}"),
            Reason::AnnotationInvalid { secret, faults, mend } => broken(f, secret, faults, *mend),
            Reason::NotOurs { what } => write!(f, "{what}: it is left alone"),
            Reason::Protected { until: None, unreadable: false } => f.write_str("nothing uses it, and it is protected"),
            Reason::Protected { until: None, unreadable: true } => f.write_str(
                "nothing uses it, and it is protected; until when cannot be read: mend annotation \
                 aivenator.aiven.nais.io/expires-at",
            ),
            Reason::Protected { until: Some(end), unreadable: _ } => {
                write!(f, "nothing uses it, and it is protected until {}", At(*end))
            }
            Reason::InUse { by } => in_use(f, by),
            Reason::TooYoung { until } => {
                write!(f, "nothing uses it: it is deleted at {} if that stays so", At(*until))
            }
            Reason::Unused => {
                f.write_str("nothing asks for it and nothing uses it: it goes, and then its users at Aiven")
            }
            Reason::Expired { at } => write!(f, "it expired at {}", At(*at)),
            Reason::ProtectionOver { at } => write!(
                f,
                "nothing asks for it and nothing uses it, and its protection ended at {}: it goes, and then its users at \
                 Aiven",
                At(*at)
            ),
            Reason::Terminating { what } => write!(f, "{what} is being deleted"),
            Reason::ForeignTerminating { secret } => {
                write!(f, "secret {secret}, which is not managed by aivenator, is being deleted")
            }
            Reason::NameTaken { user, by: Taker::Own(secret) } => {
                write!(f, "its secret {secret} takes the user name {} first", user.username)
            }
            Reason::NameTaken { user, by: Taker::Other(by) } => {
                write!(f, "application {by} is about to take the user name {}", user.username)
            }
            Reason::NamesTaken { service, tried, by } => names_taken(f, service, *tried, by),
            Reason::RecordedElsewhere { user, by, first } => {
                write!(f, "user {} is also recorded by secret {}", user.username, list(by, ", "))?;
                f.write_str(if *first { ", which has to let go of it first" } else { "" })
            }
            Reason::Retiring { user, hold } => retiring(f, &user.username, hold),
            Reason::UserLimit { service } => {
                write!(f, "service {service} has as many users as it may have: delete some, or ask Aiven to allow more")
            }
            Reason::AclFull { service } => write!(f, "the ACL document of {service} has no room for another user"),
            Reason::DeletionLimit { wanted, allowed } => {
                write!(
                    f,
                    "{wanted} secrets would be deleted at once, and at most {allowed} may be (--max-deletions): confirm it \
                     with `aivenator apply`"
                )
            }
            Reason::JournalFull { open } => write!(f, "{open} users are being made: the journal takes no more for now"),
            Reason::JournalUnavailable { why } => write!(f, "the journal cannot be used: {why}"),
            Reason::SkipCleanup => {
                write!(f, "annotation {} says to let it go and leave its users at Aiven", names::SKIP_CLEANUP)
            }
            Reason::Paused { what } => write!(f, "{what} is paused (annotation {})", names::PAUSED),
            Reason::ServiceFailed { operation, class, count, retry_at } => {
                let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
                write!(f, "{operation} has failed {times}: {}", class.in_words())?;
                match retry_at {
                    Some(at) => write!(f, "; next try at {}", At(*at)),
                    None => f.write_str("; next try when the spec changes"),
                }
            }
            Reason::Settling { what, until: Some(end) } => write!(f, "{what}: looked at again at {}", At(*end)),
            Reason::Settling { what, until: None } => write!(f, "{what}"),
            Reason::Settled { what } => write!(f, "{what}"),
            Reason::Abandoned { secret, application, why: Unwanted::Gone } => {
                write!(f, "it was made for secret {secret}, whose application {application} is gone")
            }
            Reason::Abandoned { secret, application: _, why: Unwanted::Unasked } => {
                write!(f, "it was made for secret {secret}, which nobody asks for any more")
            }
            Reason::Abandoned { secret, application: _, why: Unwanted::Unneeded } => {
                write!(f, "it was made for secret {secret}, which does not need it any more")
            }
        }
    }
}

impl FailureClass {
    const fn in_words(self) -> &'static str {
        match self {
            FailureClass::NotFound => "Aiven has no such service",
            FailureClass::NotReady => "something is not ready yet",
            FailureClass::Refused => "Aiven refused the request",
            FailureClass::Unauthorized => "Aiven refused the token, or it lacks a right",
            FailureClass::TooFast => "Aiven asks to slow down",
            FailureClass::Unknown => "Aiven gave no usable answer",
            FailureClass::UserLimit => "the service has as many users as it may have",
            FailureClass::AclFull => "the ACL document is full",
            FailureClass::JournalFull => "the journal is full",
            FailureClass::JournalUnavailable => "the journal cannot be written",
            FailureClass::Kubernetes => "Kubernetes refused it or gave no answer",
        }
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Drift::KeysMissing(keys) => write!(f, "missing or empty: {}", list(keys, ", ")),
            Drift::KeysWrong(keys) => write!(f, "not what it has to be: {}", list(keys, ", ")),
            Drift::Metadata(names) => write!(f, "metadata missing or wrong: {}", list(names, ", ")),
            Drift::Superfluous(names) => write!(f, "no longer applies: {}", list(names, ", ")),
            Drift::RetiredGone(users) => match users.as_slice() {
                [user] => write!(f, "user {user}, which was replaced, is gone: taken off the list"),
                users => write!(f, "users {}, which were replaced, are gone: taken off the list", list(users, ", ")),
            },
            Drift::Leftovers(names) => write!(f, "no longer asked for: {}", list(names, ", ")),
            Drift::UserGone(user) => write!(f, "user {} does not exist at Aiven", user.username),
            Drift::Access { user, has: Some(has), asked } => {
                write!(f, "user {} has {} access, and {} is asked for", user.username, has.as_str(), asked.as_str())
            }
            Drift::Access { user, has: None, asked } => write!(
                f,
                "the rights of user {} are not those of {} access, which is asked for",
                user.username,
                asked.as_str()
            ),
            Drift::Credentials(user, keys) => {
                write!(f, "not what user {} has at Aiven: {}", user.username, list(keys, ", "))
            }
            Drift::Unread(user) => {
                write!(f, "the credentials of user {} may have changed at Aiven and are written too", user.username)
            }
            Drift::NotOwn(user, why) => not_own(f, &user.username, why),
            Drift::TakenOver(user, before) => {
                write!(f, "the secret was application {before}'s: a new user takes the place of user {}", user.username)
            }
            Drift::NotRecorded(service) => write!(f, "no user of {service} is recorded"),
            Drift::OtherService(user) => {
                write!(f, "user {} is on {}, which is no longer asked for", user.username, user.service_key())
            }
        }
    }
}

fn broken(f: &mut fmt::Formatter<'_>, secret: &str, faults: &[BrokenRecord], mend: Mend) -> fmt::Result {
    let mut remedies: Vec<&str> = faults.iter().map(BrokenRecord::remedy).collect();
    remedies.dedup();
    let (what, remedy) = (list(faults, " and "), list(&remedies, ", "));
    match mend {
        Mend::Release => write!(f, "it {what}: {remedy}, or {Release}"),
        Mend::TakeOver => write!(
            f,
            "secret {secret} {what}: {remedy}, or set {} to \"true\" on it and delete it: its users stay at Aiven, and it \
             is made anew",
            names::SKIP_CLEANUP
        ),
        Mend::List => {
            write!(f, "secret {secret} {what}: mend the list or remove it, so that those users can be deleted")
        }
    }
}

fn in_use(f: &mut fmt::Formatter<'_>, by: &[ConsumerRef]) -> fmt::Result {
    let verb =
        if by.iter().all(|consumer| consumer.kind == ConsumerKind::AivenApplication) { "asked for" } else { "used" };
    write!(f, "{verb} by {}", some(by))
}

fn names_taken(f: &mut fmt::Formatter<'_>, service: &ServiceKey, tried: usize, by: &[SecretKey]) -> fmt::Result {
    write!(f, "each of the first {tried} names for a new user on {service} exists there or is recorded")?;
    if by.is_empty() { Ok(()) } else { write!(f, ": look at secret {}", some(by)) }
}

/// What lets a secret go whose users cannot be seen to.
struct Release;

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "set {} to \"true\" to let it go and leave its users at Aiven", names::SKIP_CLEANUP)
    }
}

fn ending(f: &mut fmt::Formatter<'_>, user: &str, ends: At, then: Renewal) -> fmt::Result {
    write!(f, "the certificate of user {user} ends at {ends}")?;
    match then {
        Renewal::OnOffer => f.write_str(": Aiven has a renewed one"),
        Renewal::NewUser => f.write_str(": a new user takes over"),
        Renewal::Protected => {
            f.write_str(", and a protected secret gets no new user: lift the protection, or delete the secret")
        }
    }
}

fn retiring(f: &mut fmt::Formatter<'_>, user: &str, hold: &Hold) -> fmt::Result {
    match hold {
        Hold::Ended(at) => write!(f, "user {user} was replaced, and its certificate ended at {}", At(*at)),
        Hold::Over => write!(f, "user {user} was replaced, and nothing holds it any longer"),
        Hold::Until(at) => write!(f, "user {user} was replaced and stays until {}", At(*at)),
        Hold::Pods { pods, overdue: None } => {
            write!(f, "user {user} was replaced, and pods started before still hold it: {}", some(pods))
        }
        Hold::Pods { pods, overdue: Some(cap) } => write!(
            f,
            "user {user} was replaced more than {} ago, and pods started before still hold it: restart {}",
            span(*cap),
            some(pods)
        ),
        Hold::Protected(Some(at)) => {
            write!(
                f,
                "user {user} was replaced and stays until its certificate ends at {}: the secret is protected",
                At(*at)
            )
        }
        Hold::Protected(None) => {
            write!(f, "user {user} was replaced and stays as long as the secret, which is protected")
        }
        Hold::Others => write!(f, "user {user} is due to be replaced, after others of its service"),
    }
}

fn spec_changed(f: &mut fmt::Formatter<'_>, first: bool, what: &[Drift]) -> fmt::Result {
    let how = if first { "it was not rolled out yet" } else { "the spec is not the one that was last rolled out" };
    f.write_str(how)?;
    what.iter().try_for_each(|drift| write!(f, "; {drift}"))
}

fn not_own(f: &mut fmt::Formatter<'_>, user: &str, why: &Reason) -> fmt::Result {
    let why = match why {
        Reason::NotOurs { what } => what.to_string(),
        other => other.to_string(),
    };
    if why.starts_with("user ") {
        write!(f, "{why}: a new user takes its place")
    } else {
        write!(f, "{why}: a new user takes the place of user {user}")
    }
}

/// What a name begins with twice: somebody has put the prefix of the namespace there that is put there anyway.
fn twice(name: &str) -> Option<&str> {
    let ends = name.match_indices('-').map(|(at, _)| name.split_at(at + 1)).skip(1);
    ends.filter(|(prefix, rest)| rest.starts_with(prefix)).map(|(prefix, _)| prefix).last()
}

/// A span of time in the largest unit that it is a whole number of.
fn span(time: SignedDuration) -> String {
    let seconds = time.as_secs();
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let (size, unit) = units.into_iter().find(|(size, _)| seconds % size == 0).unwrap_or((1, "second"));
    let count = seconds / size;
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

fn and<T: fmt::Display>(items: &[T]) -> String {
    match items {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", list(first, ", ")),
        items => list(items, ", "),
    }
}

/// The first few, and how many more there are.
fn some<T: fmt::Display>(items: &[T]) -> String {
    let shown = list(items.get(..SHOWN).unwrap_or(items), ", ");
    match items.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// How many names of a list that may be long are said.
const SHOWN: usize = 5;

fn list<T: fmt::Display>(items: &[T], separator: &str) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
}
