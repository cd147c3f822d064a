//! How a world changes: one observation at a time, each keeping every index in step.
//!
//! Takes as given that an observation is whole (an object replaces what was known of it); never decides anything.

use std::sync::Arc;

use super::key::{AppKey, Name, SecretKey, ServiceKey, UserKey};
use super::namespace::{Namespace, Place};
use super::observed::{Digest, Observed};
use super::secret::{Entry, Secret};
use super::service::{Project, Service, User};
use super::settings::Settings;
use super::usage::{Workload, WorkloadKey};
use super::{Application, World};
use crate::want::ServiceType;

impl World {
    /// Changes the settings; what was derived from them follows.
    pub fn set_settings(&mut self, settings: Settings) {
        self.settings = Arc::new(settings);
        let projects: Vec<_> = self.projects.iter().map(|(name, project)| (name.clone(), project.clone())).collect();
        for (name, project) in projects {
            if let Observed::Seen(project) = project {
                self.put_project(name, (*project).clone());
            }
        }
    }

    /// Takes in what digests a snapshot has for texts that are no secret; what was derived from such texts follows.
    pub fn know_texts<'t>(&mut self, texts: impl IntoIterator<Item = (&'t str, Digest)>) {
        self.digester = self.digester.knowing(texts);
        let projects: Vec<_> = self.projects.iter().map(|(name, project)| (name.clone(), project.clone())).collect();
        for (name, project) in projects {
            let Observed::Seen(project) = project else { continue };
            let services: Vec<Name> = project.services.keys().cloned().collect();
            self.put_project(name.clone(), (*project).clone());
            for service in services {
                let digester = self.digester.clone();
                self.edit_service(&ServiceKey::new(name.clone(), service), |service| service.rename_users(&digester));
            }
        }
    }

    /// Takes in an application.
    pub fn put_application(&mut self, app: Application) {
        self.remove_application(&app.key);
        if app.terminating || app.spec.expires_at.is_some() {
            self.ending.insert(app.key.clone());
        }
        for want in app.targets().into_iter().flatten().flat_map(|target| &target.wants) {
            self.contenders.entry(want.group.clone()).or_default().insert(app.key.clone());
        }
        let app = Arc::new(app);
        let namespace = self.namespace_mut(&app.key.namespace);
        for secret in app.spec.secret_names() {
            namespace.edit_place(secret, |place| {
                let others = place.others(&app.key);
                place.set_asked(others.into_iter().chain([Arc::clone(&app)]));
            });
        }
        let secrets: Vec<SecretKey> = secret_keys(&app);
        namespace.applications.insert(app.key.name.clone(), app);
        self.refresh_idle(secrets);
    }

    /// Forgets an application that is gone.
    pub fn remove_application(&mut self, key: &AppKey) {
        let Some(app) = self.application(key).cloned() else { return };
        self.ending.remove(key);
        for want in app.targets().into_iter().flatten().flat_map(|target| &target.wants) {
            remove_member(&mut self.contenders, &want.group, key);
        }
        let namespace = self.namespace_mut(&key.namespace);
        for secret in app.spec.secret_names() {
            namespace.edit_place(secret, |place| {
                let others = place.others(key);
                place.set_asked(others.into_iter());
            });
        }
        namespace.applications.remove(&key.name);
        self.refresh_idle(secret_keys(&app));
    }

    /// Takes in a managed secret.
    pub fn put_secret(&mut self, secret: Secret) {
        let key = secret.key.clone();
        self.remove_secret(&key);
        for user in secret.accounts() {
            self.on_service.entry(user.service_key()).or_default().insert(key.clone());
            let mut secrets: Vec<SecretKey> = self.recorders.get(&user).map(|known| known.to_vec()).unwrap_or_default();
            if let Err(place) = secrets.binary_search(&key) {
                secrets.insert(place, key.clone());
                self.set_recorders(user, secrets);
            }
        }
        for claim in secret.claims().iter().filter(|claim| !claim.is_whole()) {
            self.unplaced.entry(claim.username.clone()).or_default().insert(key.clone());
        }
        self.managed += 1;
        let entry = Some(Entry::Managed(Arc::new(secret)));
        self.namespace_mut(&key.namespace).edit_place(&key.name, |place| place.entry = entry);
        self.refresh_idle([key]);
    }

    /// Takes in that somebody else has a Secret of that name, and whether it is being deleted.
    pub fn put_foreign_secret(&mut self, key: &SecretKey, terminating: bool) {
        self.remove_secret(key);
        let entry = Some(Entry::Foreign { terminating });
        self.namespace_mut(&key.namespace).edit_place(&key.name, |place| place.entry = entry);
    }

    /// Takes in that somebody has looked and there is no Secret of that name.
    pub fn put_absent_secret(&mut self, key: &SecretKey) {
        self.remove_secret(key);
        self.namespace_mut(&key.namespace).edit_place(&key.name, |place| place.entry = Some(Entry::Absent));
    }

    /// Forgets a Secret; whether there is one of that name is for the world's lists to say.
    pub fn remove_secret(&mut self, key: &SecretKey) {
        let namespace = self.namespace_mut(&key.namespace);
        let mut entry = None;
        namespace.edit_place(&key.name, |place| entry = place.entry.take());
        let Some(Entry::Managed(secret)) = entry else { return };
        for user in secret.accounts() {
            let known = self.recorders.get(&user).into_iter().flat_map(|known| known.iter());
            let left: Vec<SecretKey> = known.filter(|other| *other != key).cloned().collect();
            remove_member(&mut self.on_service, &user.service_key(), key);
            self.set_recorders(user, left);
        }
        for claim in secret.claims().iter().filter(|claim| !claim.is_whole()) {
            remove_member(&mut self.unplaced, &claim.username, key);
        }
        self.managed -= 1;
        self.idle.remove(key);
    }

    fn set_recorders(&mut self, user: UserKey, secrets: Vec<SecretKey>) {
        if secrets.len() > 1 {
            self.shared.insert(user.clone());
        } else {
            self.shared.remove(&user);
        }
        if secrets.is_empty() {
            self.recorders.remove(&user);
        } else {
            self.recorders.insert(user, secrets.into());
        }
    }

    /// Takes in a pod or workload; one that has finished is removed instead.
    pub fn put_workload(&mut self, namespace: &Name, key: WorkloadKey, workload: Workload) {
        self.remove_workload(namespace, &key);
        let space = self.namespace_mut(namespace);
        for secret in &workload.secrets {
            space.edit_place(secret, |place| place.used.insert(key.clone(), workload.started));
        }
        let secrets = workload.secrets.clone();
        space.workloads.insert(key, Arc::new(workload));
        self.refresh_idle(secrets.into_iter().map(|name| SecretKey { namespace: namespace.clone(), name }));
    }

    /// Forgets a pod or workload that is gone or has finished.
    pub fn remove_workload(&mut self, namespace: &Name, key: &WorkloadKey) {
        let space = self.namespace_mut(namespace);
        let Some(workload) = space.workloads.remove(key) else { return };
        for secret in &workload.secrets {
            space.edit_place(secret, |place| place.used.remove(key));
        }
        let secrets = workload.secrets.iter();
        self.refresh_idle(secrets.map(|name| SecretKey { namespace: namespace.clone(), name: name.clone() }));
    }

    /// Takes in an instance object, with its state.
    pub fn put_instance(&mut self, service_type: ServiceType, namespace: &Name, (name, state): (Name, Name)) {
        self.holders.entry((service_type, name.clone())).or_default().insert(namespace.clone());
        self.refresh_ambiguous(service_type, &name);
        if let Some(instances) = self.namespace_mut(namespace).instances.get_mut(service_type as usize) {
            instances.insert(name, state);
        }
    }

    /// Forgets an instance object that is gone.
    pub fn remove_instance(&mut self, service_type: ServiceType, namespace: &Name, name: &Name) {
        remove_member(&mut self.holders, &(service_type, name.clone()), namespace);
        self.refresh_ambiguous(service_type, name);
        if let Some(instances) = self.namespace_mut(namespace).instances.get_mut(service_type as usize) {
            instances.remove(name);
        }
    }

    /// Takes in an Aiven project as a whole.
    pub fn put_project(&mut self, name: Name, mut project: Project) {
        let services: Vec<_> = project.services.iter().map(|(name, service)| (name.clone(), service.clone())).collect();
        for (service_name, service) in services {
            if let Observed::Seen(Some(service)) = service {
                let mut service = Arc::unwrap_or_clone(service);
                service.choose_addresses(&self.settings, &self.digester);
                project.services.insert(service_name, Observed::Seen(Some(Arc::new(service))));
            }
        }
        self.projects.insert(name, Observed::Seen(Arc::new(project)));
    }

    /// Takes in that a project does not answer.
    pub fn put_unseen_project(&mut self, name: Name, why: Name) {
        self.projects.insert(name, Observed::Unseen(why));
    }

    /// Takes in what Aiven says of one service; `None` if it does not exist. Its project must have been taken in.
    pub fn put_service(&mut self, key: &ServiceKey, service: Option<Service>) {
        let service = service.map(|mut service| {
            service.choose_addresses(&self.settings, &self.digester);
            Arc::new(service)
        });
        if let Some(Observed::Seen(project)) = self.projects.get_mut(&key.project) {
            Arc::make_mut(project).services.insert(key.service.clone(), Observed::Seen(service));
        }
    }

    /// Changes what is known of a service that exists; does nothing if none is known.
    pub fn edit_service(&mut self, key: &ServiceKey, edit: impl FnOnce(&mut Service)) {
        let Some(Observed::Seen(project)) = self.projects.get_mut(&key.project) else { return };
        let project = Arc::make_mut(project);
        if let Some(Observed::Seen(Some(service))) = project.services.get_mut(&key.service) {
            edit(Arc::make_mut(service));
        }
    }

    /// Takes in a user; does nothing if its service is not known.
    pub fn put_user(&mut self, key: &UserKey, user: User) {
        self.edit_service(&key.service_key(), |service| {
            service.gone.remove(&key.username);
            service.users.insert(key.username.clone(), Arc::new(user));
        });
    }

    /// Takes in that a user is gone.
    pub fn remove_user(&mut self, key: &UserKey) {
        self.edit_service(&key.service_key(), |service| {
            service.users.remove(&key.username);
            service.gone.insert(key.username.clone());
        });
    }

    /// Forgets what is known of a user; does nothing if its service is not known.
    pub fn forget_user(&mut self, key: &UserKey) {
        self.edit_service(&key.service_key(), |service| {
            service.users.remove(&key.username);
            service.gone.remove(&key.username);
        });
    }

    fn namespace_mut(&mut self, name: &Name) -> &mut Namespace {
        Arc::make_mut(self.namespaces.entry(name.clone()).or_default())
    }

    /// Looks again whether several namespaces hold an instance object of that name.
    fn refresh_ambiguous(&mut self, service_type: ServiceType, name: &Name) {
        let key = (service_type, name.clone());
        if self.holders(service_type, name).nth(1).is_some() {
            self.ambiguous.insert(key);
        } else {
            self.ambiguous.remove(&key);
        }
    }

    /// Looks again whether anything asks for these secrets or uses them.
    fn refresh_idle(&mut self, secrets: impl IntoIterator<Item = SecretKey>) {
        for key in secrets {
            let place = self.namespace(&key.namespace).and_then(|namespace| namespace.place(&key.name));
            let is_idle = place.is_some_and(|place| place.managed().is_some() && !place.is_wanted());
            if is_idle {
                self.idle.insert(key);
            } else {
                self.idle.remove(&key);
            }
        }
    }
}

impl Namespace {
    /// Changes what is known of one name of a secret; nothing is kept of one that nothing is known of any longer.
    fn edit_place<T>(&mut self, secret: &Name, edit: impl FnOnce(&mut Place) -> T) {
        let place = self.secrets.entry(secret.clone()).or_default();
        edit(place);
        if place.entry.is_none() && !place.is_wanted() {
            self.secrets.remove(secret);
        }
    }
}

fn secret_keys(app: &Application) -> Vec<SecretKey> {
    let namespace = &app.key.namespace;
    app.spec.secret_names().map(|name| SecretKey { namespace: namespace.clone(), name: name.clone() }).collect()
}

/// Removes one member of a set in an index, and the set with its last member.
fn remove_member<K: Ord + Clone, V: Ord + Clone>(index: &mut im::OrdMap<K, im::OrdSet<V>>, key: &K, member: &V) {
    if let Some(members) = index.get_mut(key) {
        members.remove(member);
        if members.is_empty() {
            index.remove(key);
        }
    }
}
