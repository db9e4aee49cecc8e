//! Ctrl-C: the first one ends the run cleanly, a second one at once.

use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::printer::Printer;

/// Waits for Ctrl-C (or SIGTERM, which counts as one) and cancels; at the second one the process
/// ends. What is complete is on disk either way.
pub async fn listen(cancel: CancellationToken, printer: Printer) {
    if signal().await {
        printer.warn("\ninterrupted: ending cleanly; once more to end at once");
        cancel.cancel();
        if signal().await {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
    }
}

/// Waits for a signal; false where signals cannot be had.
async fn signal() -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return tokio::signal::ctrl_c().await.is_ok();
    };
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed.is_ok(),
        _ = terminate.recv() => true,
    }
}
