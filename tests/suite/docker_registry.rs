//! A real registry: Debian's `docker-registry` (distribution 2.8) on a free port with a fresh folder.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Method, StatusCode};
use tempfile::TempDir;

use super::images::{Content, Image};

/// The one user of registries with a password, `htpasswd -nbB -C 4 ada s3cret`.
pub const USER: &str = "ada";
pub const PASSWORD: &str = "s3cret";
const HTPASSWD: &str = "ada:$2y$04$kQpIwvzR3yX1dgAZKHB2MuXUPynoltRD2CUEB8b7G2Oil9SKEFkcO";

/// What the registry asks of its clients.
pub enum Access {
    /// Nothing.
    Open,
    /// Nothing, and it takes schema 1 manifests.
    Schema1,
    /// Basic authentication of the one user.
    Password,
    /// A token of the service at `realm`, signed by the key of the certificate `root` (PEM).
    Token { realm: String, root: String },
}

/// A running registry, which ends when it is dropped.
pub struct DockerRegistry {
    /// `127.0.0.1:PORT`.
    pub host: String,
    /// What to send with pushes.
    authorization: Option<String>,
    client: Client,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    _folder: TempDir,
}

impl DockerRegistry {
    /// Starts a registry. `None`, with a line that says so, where the program is missing; then the test is to end. With
    /// `REQUIRE_REGISTRY=1` a missing program is a failure.
    pub fn start(access: &Access) -> Option<Self> {
        let folder = TempDir::new().expect("a folder for the registry");
        let config = folder.path().join("config.yml");
        fs::write(&config, configuration(access, &folder)).expect("the registry's config");
        let started = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(error) => {
                assert!(
                    std::env::var_os("REQUIRE_REGISTRY").is_none(),
                    "docker-registry cannot be started: {error}"
                );
                eprintln!("skipped: docker-registry cannot be started: {error}");
                return None;
            }
        };
        let log = Arc::default();
        let (ports, port) = channel();
        drain(child.stdout.take().expect("stdout"), &log, ports.clone());
        drain(child.stderr.take().expect("stderr"), &log, ports);
        let port = port
            .recv_timeout(Duration::from_secs(20))
            .unwrap_or_else(|_| panic!("docker-registry did not start: {:?}", log.lock()));
        Some(Self {
            host: format!("127.0.0.1:{port}"),
            authorization: matches!(access, Access::Password).then(|| basic(USER, PASSWORD)),
            client: client(),
            child,
            log,
            _folder: folder,
        })
    }

    /// What pushes send as `Authorization`.
    pub fn authorize(&mut self, value: String) {
        self.authorization = Some(value);
    }

    /// Stores an image, with all that it points to, under a tag.
    pub async fn push(&self, repository: &str, tag: &str, image: &Image) {
        for child in &image.children {
            Box::pin(self.push(repository, child.digest().as_str(), child)).await;
        }
        for blob in &image.blobs {
            self.put_blob(repository, blob).await;
        }
        self.put_manifest(repository, tag, &image.manifest).await;
    }

    pub async fn put_manifest(&self, repository: &str, tag: &str, manifest: &Content) {
        let path = format!("{repository}/manifests/{tag}");
        let (status, _) = self.send(Method::PUT, &path, Some(manifest)).await;
        assert_eq!(status, StatusCode::CREATED, "PUT {path}");
    }

    /// One upload in two requests (OCI distribution-spec, "Pushing a blob monolithically").
    pub async fn put_blob(&self, repository: &str, blob: &Content) {
        let path = format!("{repository}/blobs/uploads/");
        let (status, location) = self.send(Method::POST, &path, None).await;
        assert_eq!(status, StatusCode::ACCEPTED, "POST {path}");
        let (_, upload) = location.split_once("/v2/").expect("an upload's address");
        let path = format!("{upload}&digest={}", blob.digest());
        let (status, _) = self.send(Method::PUT, &path, Some(blob)).await;
        assert_eq!(status, StatusCode::CREATED, "PUT {path}");
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Content>,
    ) -> (StatusCode, String) {
        let mut request = self
            .client
            .request(method, format!("http://{}/v2/{path}", self.host));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        if let Some(content) = body {
            request = request
                .header("content-type", &content.media_type)
                .body(content.bytes.clone());
        }
        let response = request.send().await.expect("an answer of docker-registry");
        let location = response.headers().get("location").cloned();
        let location = location.map(|value| value.to_str().expect("text").to_owned());
        (response.status(), location.unwrap_or_default())
    }

    /// The requests so far, such as `GET /v2/app/manifests/1`, in their order, from the registry's access log. A request
    /// of its own, which is left out, shows that the log is complete.
    pub async fn requests(&self) -> Vec<String> {
        let mark = format!("?mark={}", fastrand::u64(..));
        self.send(Method::GET, &mark, None).await;
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let mut requests = self.logged();
            if requests.last().is_some_and(|last| last.ends_with(&mark)) {
                requests.retain(|request| !request.contains("?mark="));
                return requests;
            }
            assert!(Instant::now() < deadline, "the access log ends early");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn logged(&self) -> Vec<String> {
        let log = self.log.lock().expect("the log");
        log.iter()
            .filter_map(|line| {
                let (_, request) = line.split_once("] \"")?;
                let (request, _) = request.split_once(" HTTP/")?;
                Some(request.to_owned())
            })
            .collect()
    }
}

/// A plain client. The TLS library wants its provider named even where no TLS is spoken.
fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().expect("a client")
}

/// Basic authentication (RFC 7617).
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(access: &Access, folder: &TempDir) -> String {
    let mut config = String::from(
        "version: 0.1\nlog: {level: info}\nstorage: {inmemory: {}}\nhttp: {addr: '127.0.0.1:0'}\n",
    );
    let path = |name: &str| folder.path().join(name);
    match access {
        Access::Open => {}
        Access::Schema1 => config.push_str("compatibility: {schema1: {enabled: true}}\n"),
        Access::Password => {
            fs::write(path("htpasswd"), HTPASSWD).expect("the password file");
            let file = path("htpasswd");
            let _ = writeln!(
                config,
                "auth: {{htpasswd: {{realm: test, path: '{}'}}}}",
                file.display()
            );
        }
        Access::Token { realm, root } => {
            fs::write(path("root.pem"), root).expect("the root certificate");
            let file = path("root.pem");
            let _ = writeln!(
                config,
                "auth: {{token: {{realm: '{realm}', service: test, issuer: test, rootcertbundle: '{}'}}}}",
                file.display()
            );
        }
    }
    config
}

/// Keeps what the registry prints, so that it never waits for a reader, and tells the port that it listens on.
fn drain(output: impl Read + Send + 'static, log: &Arc<Mutex<Vec<String>>>, ports: Sender<u16>) {
    let log = Arc::clone(log);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once("listening on 127.0.0.1:") {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                let _ = ports.send(digits.parse().expect("a port"));
            }
            log.lock().expect("the log").push(line);
        }
    });
}
