//! A proxy that adds a round-trip time to each connection, its set-up included.
//!
//! `distance LISTEN TARGET MILLISECONDS`. Built by `run.py`.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let listener = TcpListener::bind(arguments.next().ok_or("no address to listen on")?)?;
    let target = arguments.next().ok_or("no target")?;
    let round_trip = Duration::from_millis(arguments.next().ok_or("no time")?.parse()?);
    for client in listener.incoming() {
        let (client, target) = (client?, target.clone());
        thread::spawn(move || {
            // The connection to here took no time.
            thread::sleep(round_trip);
            let Ok(server) = TcpStream::connect(target) else {
                return;
            };
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            if let (Ok(from), Ok(to)) = (client.try_clone(), server.try_clone()) {
                carry(from, to, round_trip / 2);
                carry(server, client, round_trip / 2);
            }
        });
    }
    Ok(())
}

/// Writes what it reads, each piece after its time.
fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            if sender.send((Instant::now() + delay, piece[..length].to_vec())).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (due, piece) in receiver {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}
