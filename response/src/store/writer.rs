//! The one thread that writes.

use std::{
    io,
    sync::{
        Mutex, PoisonError,
        mpsc::{self, SyncSender},
    },
    thread::{self, JoinHandle},
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::Trouble;

/// Calls that may wait for the writer before a further caller has to wait for a place in the queue.
const QUEUE: usize = 64;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Owns the writing connection. Ends, after finishing what was queued, when stopped or dropped.
#[derive(Debug)]
pub(crate) struct Writer {
    jobs: Mutex<Option<SyncSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(crate) fn start(mut connection: Connection) -> io::Result<Self> {
        let (jobs, queue) = mpsc::sync_channel::<Job>(QUEUE);
        let thread = thread::Builder::new().name("store".into()).spawn(move || {
            for job in queue {
                job(&mut connection);
            }
        })?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)) })
    }

    /// Runs `work` in a transaction; none where the writer has ended.
    pub(crate) fn run<T, F>(&self, work: F) -> Option<Result<T, Trouble>>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Trouble> + Send + 'static,
    {
        self.with_connection(|connection| transact(connection, work))
    }

    /// Runs `work` on the connection itself, when what was queued before is done; none where the writer has ended.
    pub(crate) fn with_connection<T, F>(&self, work: F) -> Option<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> T + Send + 'static,
    {
        let (answer, result) = mpsc::sync_channel(1);
        let job: Job = Box::new(move |connection| {
            // A caller that went away has no use for the answer.
            let _ = answer.send(work(connection));
        });
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        jobs.send(job).ok()?;
        drop(jobs);
        result.recv().ok()
    }

    pub(crate) fn stopped(&self) -> bool {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    pub(crate) fn stop(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // The thread only ends by a panic where a bug made one; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(crate) fn transact<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    // IMMEDIATE: the lock is taken before anything is read, so that the step cannot fail half way on it.
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = work(&step)?;
    step.commit()?;
    Ok(done)
}
