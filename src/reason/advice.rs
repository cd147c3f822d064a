//! What each reason means for people, and what they can do: for `explain reason/CODE`, and for the list in docs.
//!
//! Takes as given the codes; a test holds that none is left out. Never says what one decision is about: the reason does.

/// What one reason means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The code.
    pub code: &'static str,
    /// What it means.
    pub means: &'static str,
    /// What a person can do; nothing has to be done where that is said.
    pub help: &'static str,
}

const fn advice(code: &'static str, means: &'static str, help: &'static str) -> Advice {
    Advice { code, means, help }
}

const NOTHING: &str = "Nothing.";

/// What every reason means, by code.
pub const ADVICE: [Advice; 44] = [
    advice(
        "Abandoned",
        "A user was made, or about to be, for something that no longer wants it. It is deleted, or its intent cleared.",
        NOTHING,
    ),
    advice(
        "AclFull",
        "The ACL document of an OpenSearch service has no room for another user.",
        "Delete Secrets that are no longer needed, or remove rules at Aiven that others have put there.",
    ),
    advice(
        "AddressMissing",
        "Aiven lists no address of the service that may be handed out: none of the routes of `--aiven-routes`. What a Secret \
         holds stays.",
        "Wait while the service is being built. Else look at its components at Aiven, and at `--aiven-routes`.",
    ),
    advice(
        "AnnotationInvalid",
        "The annotations on a Secret are damaged, so that a user could be lost. It is not released, or not taken over.",
        "Put the annotations right: the message says which. Or set `aivenator.aiven.nais.io/skip-cleanup: \"true\"` on a \
         Secret that is being deleted; its users stay at Aiven, and `aivenator orphans` lists them.",
    ),
    advice(
        "CertificateEnding",
        "A Kafka certificate ends soon. A renewed one is written, or a new user takes over.",
        "Nothing, unless the Secret is protected: nobody but its owner knows who uses it. Make a new one, or lift the \
         protection.",
    ),
    advice(
        "CredentialsNotReady",
        "Aiven has made the user, and not given its password or certificate yet. It is asked again.",
        "Nothing for some minutes. If it stays so, look at the user at Aiven.",
    ),
    advice(
        "DeletionLimit",
        "One plan would delete more Secrets than `--max-deletions` allows, so it deletes none.",
        "Find out why so many count as unused: `aivenator plan` lists them. If that is right, confirm it with `aivenator \
         apply`.",
    ),
    advice("Drifted", "A Secret, or a user's access, is not what it has to be. It is put right.", NOTHING),
    advice(
        "Expired",
        "The time of an application is over (`spec.expiresAt`): it is deleted. Or that of a protected Secret is.",
        NOTHING,
    ),
    advice("InUse", "Nothing asks for a Secret any more, but a workload uses it. It stays.", NOTHING),
    advice(
        "InstanceAmbiguous",
        "Several namespaces hold an instance object that stands for the same service: whose it is cannot be told. What \
         exists stays, nothing new is made.",
        "Rename or delete one of the instances.",
    ),
    advice(
        "InstanceNotFound",
        "The namespace has no OpenSearch or Valkey object of that name.",
        "Create it, or correct the name in the application. The message says which names were looked for.",
    ),
    advice(
        "InstanceNotReady",
        "The instance is in a state in which users cannot be made, such as REBUILDING or POWEROFF.",
        "Wait, or start the service. What exists goes on working as far as the service does.",
    ),
    advice(
        "InvalidName",
        "A name in the spec cannot be used.",
        "Correct it: the message says what it would have to be.",
    ),
    advice(
        "JournalFull",
        "A thousand users are announced in the journal and not recorded yet. No further ones are made for now.",
        "Nothing in a large roll-out. If it stays so, look at why they are not recorded: Aiven or the API server fails.",
    ),
    advice(
        "JournalUnavailable",
        "The ConfigMap aivenator-journal cannot be read or written, or belongs to another cluster. No users are made \
         meanwhile; everything else goes on.",
        "Look at the message. In a restored backup, remove the ConfigMap once you are sure that the old cluster is gone.",
    ),
    advice(
        "KeyCollision",
        "Two services of an application would write the same key into one Secret.",
        "Give one of them its own `secretName`.",
    ),
    advice(
        "NameTaken",
        "Another subject takes the same user name first. The next free name is taken afterwards.",
        NOTHING,
    ),
    advice(
        "NotObserved",
        "Something that this depends on was not seen: a watch that has not finished its first list, an answer of Aiven that \
         did not come, a document that is missing.",
        "Nothing for a running operator, unless a watch is stale. With `plan -f`, add what the message names.",
    ),
    advice(
        "NotOurs",
        "A Secret records a user that was not made for it. That user is left alone.",
        "Nothing. `aivenator orphans` lists it if nothing else records it.",
    ),
    advice("Paused", "A person has set `aivenator.aiven.nais.io/paused: \"true\"`.", "Remove the annotation to go on."),
    advice(
        "PoolNotAllowed",
        "The Aiven project is not one of this cluster's.",
        "Correct the pool in the application, or add the project to `--projects` (chart: `aiven.projects`).",
    ),
    advice(
        "Protected",
        "Nothing uses a Secret, and it is protected. It stays.",
        "Delete it when nobody outside the cluster needs it any more.",
    ),
    advice(
        "RecordedElsewhere",
        "Another Secret records the same user. The user stays as long as that one does.",
        NOTHING,
    ),
    advice(
        "ResyncRequested",
        "A person has emptied `status.synchronizationHash`: every Secret of the application is written once, with the same \
         users.",
        NOTHING,
    ),
    advice(
        "Retiring",
        "A user was replaced, and stays until no pod is left that started with its credentials.",
        "Nothing, unless it is a warning: restart the pods that it names.",
    ),
    advice("RotationDue", "A user is as old as `--rotate-after` allows. A new one takes over.", NOTHING),
    advice(
        "SecretContested",
        "Another application of the namespace has the Secret.",
        "Give one of them another `secretName`.",
    ),
    advice(
        "SecretImmutable",
        "The Secret is immutable, and would have to change.",
        "Delete it: it is made again, with the same user.",
    ),
    advice("SecretMissing", "The Secret does not exist. It is made.", NOTHING),
    advice(
        "SecretNameMissing",
        "A service of the application names no Secret, and neither does `spec.secretName`.",
        "Set `secretName` of that service.",
    ),
    advice(
        "SecretNotManaged",
        "There is a Secret of that name that this program has not made. It is left alone.",
        "Rename or delete it, or choose another `secretName`.",
    ),
    advice(
        "ServiceFailed",
        "An action has failed, and is tried again, each time later.",
        "Look at the message: it names the operation and what kind of failure it is. 401 and 403 are the token.",
    ),
    advice(
        "ServiceNotFound",
        "Aiven has no such service.",
        "Look at the project and the name of the service. A pool needs a Kafka service.",
    ),
    advice("Settled", "An entry of the journal has served its purpose. It is cleared.", NOTHING),
    advice("Settling", "What was just done has to settle, or somebody else is about to finish it.", NOTHING),
    advice(
        "SkipCleanup",
        "A person has set `aivenator.aiven.nais.io/skip-cleanup: \"true\"`: the Secret goes, its users stay at Aiven.",
        "Delete the users later: `aivenator orphans` lists what was left behind.",
    ),
    advice("SpecChanged", "The spec of an application is not the one that was last rolled out.", NOTHING),
    advice("StatusOutdated", "All is well, and only the status does not say so. It is written.", NOTHING),
    advice(
        "Terminating",
        "The Secret, or the application, is being deleted. A Secret goes after its users.",
        "Nothing, unless it takes long: `aivenator explain secret/NAME` says what it waits for.",
    ),
    advice(
        "TooYoung",
        "Nothing uses a Secret, but not for long enough (`--janitor-grace`). It stays for now.",
        NOTHING,
    ),
    advice("Unused", "Nothing asks for a Secret and nothing uses it. It is deleted.", NOTHING),
    advice("UpToDate", "Everything is as it has to be.", NOTHING),
    advice(
        "UserLimit",
        "The Aiven service has as many users as it may have.",
        "Delete Secrets that are no longer needed, look at `aivenator orphans`, or ask Aiven for a higher limit.",
    ),
];

/// What a reason means, if there is one of that code.
pub fn advice_for(code: &str) -> Option<Advice> {
    ADVICE.into_iter().find(|advice| advice.code.eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_advice_and_no_other() {
        let lines = include_str!("code.rs").lines();
        let mut codes: Vec<&str> = lines.filter_map(|line| line.split_once("=> \"")?.1.split('"').next()).collect();
        codes.sort_unstable();
        let told: Vec<&str> = ADVICE.iter().map(|advice| advice.code).collect();
        assert_eq!(told, codes);
    }
}
