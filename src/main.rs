//! The command line program. All of it but the end of the process is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use oci_preflight::cli;

/// Thousands of small documents are read on several threads, where the allocators of glibc and, more so, of musl take longer
/// than the reading.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            // Nothing works without threads, not even a report.
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "oci-preflight: cannot start: {error}");
            return ExitCode::from(cli::COULD_NOT_RUN);
        }
    };
    runtime.spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(i32::from(cli::INTERRUPTED));
        }
    });
    let status = runtime.block_on(cli::run());
    // A connection that a server floods must not hold the end of the program up.
    runtime.shutdown_background();
    status
}
