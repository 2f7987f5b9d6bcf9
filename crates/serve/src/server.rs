//! Sockets: who gets in, for how long, and how it ends.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::error::ServeError;
use crate::guard::Reached;
use crate::limits::{CONNECTION_LIFE, CONNECTIONS, GRACE, HEADERS, HEADERS_WITHIN, LAST_GRACE};
use crate::routes::router;
use crate::served::Served;

/// How often the flag is looked at.
const LOOK: Duration = Duration::from_millis(30);

/// Listens on `address`; port 0 stands for one that is free, which `local_addr` then tells.
///
/// # Errors
///
/// Where it is taken, or not ours.
pub fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).map_err(|source| ServeError::Listen { address, source })
}

/// Serves until `stop` is set, and then at most a second more for what was asked by then. The
/// [crate](crate)'s page tells what.
///
/// Blocks; so it is not for a thread of an async runtime, where it would panic.
///
/// # Errors
///
/// Where it cannot start. A client can be refused, but ends nothing.
pub fn serve(listener: TcpListener, served: Served, stop: &AtomicBool) -> Result<(), ServeError> {
    let router = router(served.checked()?);
    let runtime =
        runtime::Builder::new_current_thread().enable_all().build().map_err(ServeError::Start)?;
    let result = runtime.block_on(run(listener, &router, stop));
    // A network that is still computing is not waited for.
    runtime.shutdown_background();
    result
}

async fn run(listener: TcpListener, router: &Router, stop: &AtomicBool) -> Result<(), ServeError> {
    listener.set_nonblocking(true).map_err(ServeError::Start)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(ServeError::Start)?;
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let (end, ended) = watch::channel(());
    let mut connections = JoinSet::new();
    while !stop.load(Ordering::SeqCst) {
        tokio::select! {
            (stream, address, place) = accept(&listener, &places) => {
                let router = router.clone().layer(Extension(Reached(address.ip())));
                connections.spawn(connection(stream, router, ended.clone(), place));
            }
            Some(_) = connections.join_next() => {}
            () = sleep(LOOK) => {}
        }
    }
    drop((listener, end));
    // Those that are not done by then end with the set.
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(LAST_GRACE, all).await;
    Ok(())
}

/// The next client, where there is a place for one, with the address of ours that it has reached.
async fn accept(
    listener: &tokio::net::TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        // What fails is this client's connection, or the system has no more files for now.
        match listener.accept().await.and_then(|(stream, _)| Ok((stream.local_addr()?, stream))) {
            Ok((address, stream)) => return (stream, address, place),
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Serves one client; its `place` is free again when this ends.
async fn connection(
    stream: TcpStream,
    router: Router,
    mut ended: watch::Receiver<()>,
    _place: Option<OwnedSemaphorePermit>,
) {
    // Only makes answers late where it fails.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // Its error is for the client, who has been told.
        _ = connection.as_mut() => return,
        // Fails where the sender is gone, which is what is waited for.
        _ = ended.changed() => {}
        () = sleep(CONNECTION_LIFE) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(GRACE, connection).await;
}
