//! Inputs as a person reads them: what is out of the ordinary, and nothing else.

use std::fmt;

use super::input::*;

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Input");
        let SettingsInput { no_instance_check, cluster, rotate, cap, operator } = &self.settings;
        let flags = [(*no_instance_check, "no instance check"), (*cluster, "cluster"), (*rotate, "rotate")];
        let mut flags: Vec<String> = flags.iter().filter(|(on, _)| *on).map(|(_, name)| (*name).to_owned()).collect();
        flags.extend(cap.map(|cap| format!("cap {cap}")));
        flags.extend(operator.then(|| "operator".to_owned()));
        list(&mut out, "settings", &flags);
        list(&mut out, "apps", &self.apps);
        let there: Vec<&InstanceInput> = self.instances.iter().filter(|it| it.present || it.service).collect();
        list(&mut out, "instances", &there);
        if self.rounds > 0 {
            out.field("rounds", &self.rounds);
        }
        list(&mut out, "accesses", &self.accesses);
        list(&mut out, "changes", &self.changes);
        list(&mut out, "secrets", &self.secrets);
        list(&mut out, "workloads", &self.workloads);
        list(&mut out, "users", &self.users);
        list(&mut out, "intents", &self.intents);
        list(&mut out, "failures", &self.failures);
        if self.minutes > 0 {
            out.field("minutes", &self.minutes);
        }
        list(&mut out, "unseen", &self.unseen);
        out.finish()
    }
}

fn list<T: fmt::Debug>(out: &mut fmt::DebugStruct<'_, '_>, name: &str, entries: &[T]) {
    if !entries.is_empty() {
        let lines: Vec<String> = entries.iter().map(|entry| format!("{entry:?}")).collect();
        out.field(name, &lines);
    }
}

impl fmt::Debug for AppInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AppInput { namespace, name, generation, created, terminating, paused, protected, .. } = self;
        write!(
            f,
            "{}/{} generation {generation} created {created}",
            pick(&NAMESPACES, *namespace),
            pick(&APPS, *name)
        )?;
        let flags = [(*terminating, "terminating"), (*paused, "paused"), (*protected, "protected")];
        for (_, flag) in flags.iter().filter(|(on, _)| *on) {
            write!(f, " {flag}")?;
        }
        if let Some(end) = self.expires {
            write!(f, " expires in {end} min")?;
        }
        let secret = |index: Option<Pick>| index.map_or("-", |index| pick(&SECRETS, index));
        if self.shared_secret.is_some() {
            write!(f, " secretName {}", secret(self.shared_secret))?;
        }
        if let Some((pool, name)) = &self.kafka {
            write!(f, " kafka {} in {}", pick(&POOLS, *pool), secret(*name))?;
        }
        if let Some((instance, access, name)) = &self.open_search {
            write!(f, " opensearch {} {access:?} in {}", pick(&INSTANCES, *instance), secret(*name))?;
        }
        for (instance, access, name) in &self.valkey {
            write!(f, " valkey {} {access:?} in {}", pick(&INSTANCES, *instance), secret(*name))?;
        }
        Ok(())
    }
}

impl fmt::Debug for InstanceInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.open_search { "opensearch" } else { "valkey" };
        let (namespace, instance) = (pick(&NAMESPACES, self.namespace), pick(&INSTANCES, self.instance));
        let object = if self.present { "" } else { " without object" };
        let service = if self.service { "" } else { " without service" };
        write!(f, "{kind}-{namespace}-{instance} of {namespace} {}{object}{service}", pick(&STATES, self.state))
    }
}

impl fmt::Debug for SecretInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}: {:?}", pick(&NAMESPACES, self.namespace), pick(&SECRETS, self.name), self.edits)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let there = if self.exists { "" } else { " (absent)" };
        write!(f, "{}{there}", super::account::user_key(self))
    }
}
