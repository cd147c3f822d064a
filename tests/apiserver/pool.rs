//! A few servers, which scenarios use one after the other: starting one costs seconds.

use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::server::Server;

/// How many there are, if `AIVENATOR_APISERVERS` does not say.
const SERVERS: usize = 4;

struct Pool {
    places: Arc<Semaphore>,
    free: Mutex<Vec<Server>>,
}

fn pool() -> &'static Pool {
    static POOL: OnceLock<Pool> = OnceLock::new();
    POOL.get_or_init(|| {
        let said = std::env::var("AIVENATOR_APISERVERS").ok().and_then(|count| count.parse().ok());
        Pool { places: Arc::new(Semaphore::new(said.unwrap_or(SERVERS))), free: Mutex::default() }
    })
}

/// A server that nobody else uses for now; given back when this is dropped.
pub struct Taken {
    server: Option<Server>,
    _place: OwnedSemaphorePermit,
}

impl Taken {
    /// Waits for one; whatever somebody has left there is still there.
    pub async fn one() -> Taken {
        let place = pool().places.clone().acquire_owned().await.unwrap();
        let free = pool().free.lock().unwrap().pop();
        let server = match free {
            Some(server) => server,
            None => tokio::task::spawn_blocking(Server::start).await.unwrap(),
        };
        Taken { server: Some(server), _place: place }
    }

    pub fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        pool().free.lock().unwrap().extend(self.server.take());
    }
}
