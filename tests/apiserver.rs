//! The suite of the operator, and what only a real server can show, against kube-apiserver and etcd.
//!
//! Both programs are looked for in `KUBEBUILDER_ASSETS`, which setup-envtest fills. Without it these tests say that they
//! are skipped; with `CI=true` they have to run.

mod admission;
mod audit;
mod client;
mod conformance;
mod definition;
mod forward;
mod kill;
mod kinds;
mod kubectl;
pub mod lent;
mod pool;
mod process;
mod restart;
mod rights;
mod server;
mod stores;
mod suite;

use std::future::Future;
use std::io::Write as _;
use std::path::PathBuf;

tokio::task_local! {
    /// Set where a scenario runs against the real server.
    static REAL: ();
}

/// Whether this task is to use the real server.
pub fn is_real() -> bool {
    REAL.try_with(|()| ()).is_ok()
}

/// The same, with the real server.
pub async fn with_the_real_server<T>(future: impl Future<Output = T>) -> T {
    REAL.scope((), future).await
}

/// The folder with kube-apiserver and etcd; none, and visibly so, where nobody has named one.
pub fn assets() -> Option<PathBuf> {
    let folder = std::env::var_os("KUBEBUILDER_ASSETS").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    if let Some(folder) = folder {
        for program in ["kube-apiserver", "etcd"] {
            assert!(folder.join(program).is_file(), "KUBEBUILDER_ASSETS has no {program}: {}", folder.display());
        }
        return Some(folder);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "KUBEBUILDER_ASSETS is not set, and CI is true");
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    let how = "set KUBEBUILDER_ASSETS, as with `setup-envtest use -p path` or .ci/apiserver";
    // Not by a macro: what those print is shown only where a test fails.
    let _ = writeln!(std::io::stderr(), "SKIPPED {name}: no kube-apiserver; {how}");
    None
}
