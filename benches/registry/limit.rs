//! The least that a client can do: sends fixed requests over keep-alive connections and reads the answers.
//!
//! `limit HOST:PORT FILE CONNECTIONS`, where each line of FILE is a method and a path. Built by `run.py`.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, */*";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let host = arguments.next().ok_or("no host")?;
    let file = std::fs::read_to_string(arguments.next().ok_or("no file")?)?;
    let connections: usize = arguments.next().ok_or("no number of connections")?.parse()?;
    let requests: Vec<(&str, &str)> = file.lines().filter_map(|line| line.split_once(' ')).collect();
    let next = AtomicUsize::new(0);
    let done: Result<Vec<()>, _> = thread::scope(|scope| {
        let work = || -> Result<(), String> {
            connection(&host, &requests, &next).map_err(|error| error.to_string())
        };
        let threads: Vec<_> = (0..connections).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("a thread broke".to_owned())))
            .collect()
    });
    done?;
    Ok(())
}

fn connection(host: &str, requests: &[(&str, &str)], next: &AtomicUsize) -> Result<(), Box<dyn Error>> {
    let mut stream = TcpStream::connect(host)?;
    stream.set_nodelay(true)?;
    let mut answers = BufReader::with_capacity(64 * 1024, stream.try_clone()?);
    let mut body = Vec::new();
    while let Some((method, path)) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {ACCEPT}\r\n\r\n")?;
        let mut length = 0;
        let mut line = String::new();
        answers.read_line(&mut line)?;
        if !line.starts_with("HTTP/1.1 200") {
            return Err(format!("{method} {path}: {line}").into());
        }
        loop {
            line.clear();
            answers.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            }
        }
        if *method == "GET" {
            body.resize(length, 0);
            answers.read_exact(&mut body)?;
        }
    }
    Ok(())
}
