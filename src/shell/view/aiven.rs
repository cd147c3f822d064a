//! What was read of Aiven, and what became of own requests.
//!
//! Takes as given that an answer is as it was when it came; what may not show yet is in doubt. Never says that a user is ours.

use super::{View, memory};
use crate::world::{
    Content, Intent, Lookup, Name, Observed, Outcome, Project, Service, ServiceKey, Timestamp, User, UserKey,
};

impl View {
    pub(super) fn service(&mut self, key: &ServiceKey, mut service: Option<Service>) -> bool {
        if !matches!(self.world.project(&key.project), Lookup::Found(_)) {
            let ca = Observed::Unseen("the CA of the project was not read".into());
            let project = Project { ca, complete: false, services: im::OrdMap::new() };
            self.world.put_project(key.project.clone(), project);
        }
        if let (Some(service), Lookup::Found(known)) = (&mut service, self.world.service(key)) {
            service.acl = known.acl.clone();
            let (world, service_key) = (&self.world, key);
            let concerns = |user: &Name| {
                let user = service_key.user(user.clone());
                world.journal().is_some_and(|journal| journal.knows(&user)) || !world.recorders(&user).is_empty()
            };
            memory::remember(service, known, concerns);
        }
        self.world.put_service(key, service);
        true
    }

    pub(super) fn project(&mut self, name: Name, ca: Content) -> bool {
        let ca = Observed::Seen(ca);
        let services = match self.world.project(&name) {
            Lookup::Found(known) if known.ca == ca => return false,
            Lookup::Found(known) => known.services.clone(),
            Lookup::Absent | Lookup::Unseen(_) => im::OrdMap::new(),
        };
        self.world.put_project(name, Project { ca, complete: false, services });
        true
    }

    pub(super) fn sending(&mut self, user: &UserKey, at: Timestamp) -> bool {
        if let Some(intent) = self.intent(user) {
            let before = std::mem::replace(&mut intent.outcome, Outcome::Unknown);
            intent.sent = Some(at);
            self.doubts.sending(user, before, at);
        }
        true
    }

    pub(super) fn sent(&mut self, user: &UserKey, answer: Outcome, at: Timestamp) -> bool {
        let outcome = self.doubts.answered(user, answer, at);
        if let Some(intent) = self.intent(user) {
            intent.outcome = outcome;
            intent.sent = Some(at);
        }
        match outcome {
            Outcome::Taken => self.put_stranger(user),
            // What was seen before it was sent says nothing any longer.
            Outcome::Unknown => self.world.forget_user(user),
            Outcome::Created | Outcome::NotSent | Outcome::Found => {}
        }
        true
    }

    fn intent(&mut self, user: &UserKey) -> Option<&mut Intent> {
        match &mut self.world.journal {
            Observed::Seen(journal) => journal.intents.get_mut(user),
            Observed::Unseen(_) => None,
        }
    }

    /// Takes in that a user of that name exists, of which nothing else is known.
    fn put_stranger(&mut self, user: &UserKey) {
        let stranger = User {
            name: self.world.digester().content(user.username.as_bytes()),
            primary: false,
            password: None,
            certificate: None,
            private_key: None,
            certificate_ends: None,
            expiring_certificate_ends: None,
            password_updated: None,
            changed: false,
            access: None,
        };
        self.world.put_user(user, stranger);
    }
}
