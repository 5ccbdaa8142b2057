//! Ways that lead through a proxy. The registry's name resolves nowhere, so that only the proxy can find it.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::TcpStream;

use super::answer::{redirect, unauthorized};
use super::server::{FaultRegistry, Request, Seen, Serve, bind, serve_on};
use super::tls::signed;
use super::{Expected, FOUND, Stage, faults, unknown};

/// The login of the proxy, which is for nobody else.
const USER: &str = "bob";
pub const PASSWORD: &str = "s3cret-of-the-proxy";
/// The registry behind the proxy.
const HOST: &str = "registry.invalid";

/// What a proxy does with those who log in.
#[derive(Clone, Copy)]
enum Behaviour {
    Connect,
    Answer(&'static str),
    Flood,
    Hold,
}

/// Starts a proxy that leads to `target`, and gives its port.
fn proxy(behaviour: Behaviour, target: String, seen: Arc<Mutex<Seen>>) -> u16 {
    let listener = bind("127.0.0.1");
    let port = listener.local_addr().expect("an address").port();
    serve_on(listener, move |stream| {
        lead(stream, behaviour, target.clone(), Arc::clone(&seen))
    });
    port
}

async fn lead(
    mut client: TcpStream,
    behaviour: Behaviour,
    target: String,
    seen: Arc<Mutex<Seen>>,
) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    if head.contains("\r\nauthorization:") {
        let mut seen = seen.lock().expect("what was seen");
        seen.leaks
            .push("the registry's login at the proxy".to_owned());
    }
    let login = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    if !head.contains(&format!("proxy-authorization: basic {login}").to_lowercase()) {
        let wants = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"p\"\r\n\r\n";
        client.write_all(wants).await?;
        return client.shutdown().await;
    }
    match behaviour {
        Behaviour::Connect => {
            let wanted = head.split(' ').nth(1).unwrap_or_default();
            let is_loopback = wanted.starts_with("localhost:") || wanted.starts_with("127.0.0.1:");
            let mut server = TcpStream::connect(if is_loopback { wanted } else { &target }).await?;
            client
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await?;
            copy_bidirectional(&mut client, &mut server).await?;
        }
        Behaviour::Answer(answer) => client.write_all(answer.as_bytes()).await?,
        Behaviour::Flood => loop {
            client.write_all(&[b'x'; 8192]).await?;
        },
        Behaviour::Hold => tokio::time::sleep(Duration::from_mins(10)).await,
    }
    client.shutdown().await
}

/// A registry behind a proxy with this login, and what the registry answers.
fn behind(behaviour: Behaviour, login: &str, serve: Serve) -> Stage {
    let certificate = signed(&[HOST, "127.0.0.1", "localhost"], |_| {});
    let authority = certificate.authority.clone();
    let server = FaultRegistry::start(serve, Some(certificate.tls()), "127.0.0.1");
    let port = proxy(behaviour, server.host.clone(), Arc::clone(&server.seen));
    Stage::of(server)
        .at(HOST)
        .trusting(&authority)
        .variable("HTTPS_PROXY", format!("http://{login}127.0.0.1:{port}"))
}

fn logged_in(behaviour: Behaviour, serve: Serve) -> Stage {
    behind(behaviour, &format!("{USER}:{PASSWORD}@"), serve)
}

/// The same with a registry that is exempt from the proxy, which knows no way anyhow.
fn exempt() -> Stage {
    let stage = super::registry(Request::with_tokens);
    let port = proxy(
        Behaviour::Answer("HTTP/1.1 403 Forbidden\r\n\r\n"),
        stage.host.clone(),
        Arc::clone(&stage.seen),
    );
    let address = format!("http://127.0.0.1:{port}");
    stage
        .variable("HTTP_PROXY", address.clone())
        .variable("HTTPS_PROXY", address)
        .variable("NO_PROXY", "registry.invalid,127.0.0.0/8")
}

/// A server without TLS where the registry's name stands for TLS.
fn plain_behind() -> Stage {
    let stage = super::registry(Request::good);
    let port = proxy(
        Behaviour::Connect,
        stage.host.clone(),
        Arc::clone(&stage.seen),
    );
    let address = format!("http://{USER}:{PASSWORD}@127.0.0.1:{port}");
    stage.at(HOST).variable("HTTPS_PROXY", address)
}

const NO_WAY: Expected = unknown("connect");

faults! {
    /// The way leads through a proxy with a login; the registry wants another one.
    proxy_connect: FOUND, logged_in(Behaviour::Connect, Request::with_tokens);
    /// The same, and the registry redirects to another host, which gets neither login.
    proxy_redirect: FOUND, logged_in(Behaviour::Connect, |request| {
        if request.is_elsewhere {
            request.good()
        } else if request.authorization().is_empty() {
            unauthorized("Basic realm=\"r\"")
        } else {
            redirect(&format!("{}{}", request.elsewhere, request.path))
        }
    });
    /// The proxy leads to a server that speaks no TLS.
    proxy_to_plain: unknown("tls").saying("--plain-http registry.invalid"), plain_behind();
    /// The proxy wants a login, and there is none.
    proxy_407: NO_WAY.saying("wants a login (407)"), behind(Behaviour::Connect, "", Request::good);
    /// The proxy does not take the login.
    proxy_407_wrong: NO_WAY.saying("wants a login (407)"),
        behind(Behaviour::Connect, "bob:wrong@", Request::good);
    /// The proxy forbids the way.
    proxy_403: NO_WAY.saying("the proxy refuses"),
        logged_in(Behaviour::Answer("HTTP/1.1 403 Forbidden\r\n\r\n"), Request::good);
    /// The proxy does not reach the registry.
    proxy_502: NO_WAY.saying("the proxy refuses"),
        logged_in(Behaviour::Answer("HTTP/1.1 502 Bad Gateway\r\n\r\n"), Request::good);
    /// The proxy hangs up.
    proxy_closes: NO_WAY.saying("proxy"), logged_in(Behaviour::Answer(""), Request::good);
    /// The proxy answers without end.
    proxy_flood: NO_WAY.saying("proxy"), logged_in(Behaviour::Flood, Request::good);
    /// The proxy says nothing.
    proxy_stall: unknown("timeout"), logged_in(Behaviour::Hold, Request::good).impatient();
    /// The proxy is not there.
    proxy_refused: NO_WAY, logged_in(Behaviour::Connect, Request::good)
        .variable("HTTPS_PROXY", "http://127.0.0.1:1");
    /// The registry is exempt from the proxy by its host and port, and so its name must resolve.
    no_proxy_port: unknown("dns"), logged_in(Behaviour::Connect, Request::with_tokens)
        .variable("NO_PROXY", "registry.invalid:443");
    /// Another port of the registry is exempt.
    no_proxy_other_port: FOUND, logged_in(Behaviour::Connect, Request::with_tokens)
        .variable("NO_PROXY", "registry.invalid:5000");
    /// The proxy forbids everything, and the registry is exempt from it.
    no_proxy: FOUND, exempt();
}
