//! Sends one request: redirects, repeated tries and bounded bodies.

use std::io::Read as _;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use flate2::read::GzDecoder;
use oci_client::secrets::RegistryAuth;
use reqwest::header::{self, HeaderMap};
use reqwest::{Response, StatusCode, Url};
use tokio::time::{Instant, sleep, sleep_until};

use super::classify::classify;
use super::client::Clients;
use super::judge::error_document;
use super::link_local::is_link_local;
use super::pace::Pace;
use super::request::{Request, secret_header};
use super::setback::{Setback, failure};
use super::statistics::{Counters, RateLimit};
use crate::facts::{Failure, FailureReason, Identity};

/// The most redirects that are followed, as many as containerd follows (Go's `net/http`).
const MAX_REDIRECTS: usize = 10;
/// The most bytes of an error document that are read.
const MAX_ERROR_BYTES: usize = 64 * 1024;
/// The wait before the second try; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest wait that a server may ask for: one that can be added to any time.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24 * 365);
/// The longest wait between two tries that is ours to choose.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// A whole response.
#[derive(Debug)]
pub(super) struct Reply {
    /// Who answered, for messages.
    pub host: String,
    /// Whether a redirect led there, away from the host that was asked.
    pub is_elsewhere: bool,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// A good answer whose body is left to be read while it comes.
    pub unread: Option<Response>,
    /// Who asked.
    pub identity: Identity,
}

impl Reply {
    /// A header as text; nothing where it is missing or no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    #[cfg(test)]
    pub fn for_test(status: u16, body: &str) -> Self {
        Self {
            host: "registry.example.com".to_owned(),
            is_elsewhere: false,
            status: StatusCode::from_u16(status).expect("a status"),
            headers: HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            unread: None,
            identity: Identity::Anonymous,
        }
    }
}

/// Sends requests.
#[derive(Debug)]
pub(super) struct Transport {
    pub clients: Clients,
    pub counters: Counters,
}

/// How long a request may be tried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience<'a> {
    pub deadline: Instant,
    pub retries: u32,
    /// Whether a connection that breaks is tried again too.
    pub breaks: bool,
    /// The pace of the host that is asked.
    pub pace: &'a Pace,
    /// How far apart the requests to it may be.
    pub longest_gap: Duration,
}

impl Transport {
    /// The reply to `request`, of whatever status but 429 and 5xx. Those, and broken connections, are tried again; a 429
    /// slows all that is asked of the host.
    pub async fn send(
        &self,
        request: &Request,
        authorization: &RegistryAuth,
        patience: Patience<'_>,
    ) -> Result<Reply, Setback> {
        let mut tries = 0;
        loop {
            let sent = self.turn(request, patience).await?;
            let failed = match self.follow(request, authorization).await {
                Ok(reply) => match passing_trouble(&reply) {
                    None => {
                        patience.pace.ease();
                        return Ok(reply);
                    }
                    Some(failed) => failed.into(),
                },
                Err(failed) => failed,
            };
            let Some(failure) = failed.failure() else {
                return Err(failed);
            };
            let wait = pause(failure, tries);
            if failure.reason == FailureReason::RateLimited {
                patience.pace.slow(sent, wait, patience.longest_gap);
            }
            let may_pass = match failure.reason {
                FailureReason::RateLimited | FailureReason::ServerError => true,
                FailureReason::Connect | FailureReason::Dns => patience.breaks,
                _ => false,
            };
            if !may_pass || tries >= patience.retries || Instant::now() + wait >= patience.deadline
            {
                return Err(failed);
            }
            sleep(wait).await;
            tries += 1;
        }
    }

    /// Waits for the turn of a request. Where the host wants to be left alone for longer than there is time, it is not
    /// asked at all.
    async fn turn(&self, request: &Request, patience: Patience<'_>) -> Result<Instant, Setback> {
        match patience.pace.turn(patience.deadline) {
            Ok(turn) => {
                if turn > Instant::now() {
                    sleep_until(turn).await;
                }
                Ok(Instant::now())
            }
            Err(wait) => {
                let host = authority(&request.url);
                let words = format!("{host} answered other requests with 429 Too Many Requests");
                let mut limited = failure(FailureReason::RateLimited, &words);
                limited.retry_after = Some(wait);
                Err(limited.into())
            }
        }
    }

    /// Sends once, and follows redirects. `Authorization` goes to the host that was asked and to no other, and not to it
    /// either once another host has had its say.
    async fn follow(
        &self,
        request: &Request,
        authorization: &RegistryAuth,
    ) -> Result<Reply, Setback> {
        let mut url = request.url.clone();
        let mut is_elsewhere = false;
        for _ in 0..=MAX_REDIRECTS {
            let reply = if is_elsewhere {
                self.exchange(request, &url, None)
                    .await
                    .map_err(|setback| setback.elsewhere(&authority(&url)))?
            } else {
                self.exchange(request, &url, Some(authorization)).await?
            };
            if !is_redirect(reply.status) {
                return Ok(reply);
            }
            url = target(&url, &reply)?;
            // A host that was redirected to may not send the credentials back to where it wants.
            is_elsewhere |= url.origin() != request.url.origin();
            if is_elsewhere && request.form.is_some() {
                return Err(Setback::malformed(&format!(
                    "{} redirects a login to {}, which is not sent there",
                    reply.host,
                    authority(&url)
                )));
            }
        }
        Err(Setback::malformed(&format!(
            "{} redirects more than {MAX_REDIRECTS} times",
            authority(&request.url)
        )))
    }

    /// Sends once. A host that somebody else named gets no authorization, and nothing of what is for the asked host alone.
    async fn exchange(
        &self,
        request: &Request,
        url: &Url,
        authorization: Option<&RegistryAuth>,
    ) -> Result<Reply, Setback> {
        let host = authority(url);
        let is_elsewhere = authorization.is_none();
        let client = match &request.client {
            Some(client) => client,
            None => self
                .clients
                .of(url)
                .map_err(|reason| Setback::Unreachable(failure(FailureReason::Tls, reason)))?,
        };
        self.counters.request();
        let mut builder = client.request(request.method.clone(), url.clone());
        if !is_elsewhere {
            builder = builder.headers(request.headers.clone());
        }
        builder = builder.header(header::ACCEPT_ENCODING, "identity");
        if !request.accept.is_empty() {
            builder = builder.header(header::ACCEPT, request.accept);
        }
        if let Some(from) = request.stream_from.filter(|from| *from > 0) {
            builder = builder.header(header::RANGE, format!("bytes={from}-"));
        }
        if let Some(form) = &request.form {
            builder = builder
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.clone());
        }
        builder = match authorization {
            None | Some(RegistryAuth::Anonymous) => builder,
            Some(RegistryAuth::Basic(username, password)) => {
                builder.basic_auth(username, Some(password))
            }
            Some(RegistryAuth::Bearer(token)) => match secret_header(&format!("Bearer {token}")) {
                Some(value) => builder.header(header::AUTHORIZATION, value),
                None => builder,
            },
        };
        let mut response = builder
            .send()
            .await
            .map_err(|error| classify(&error, &host))?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        self.counters.rate_limit(&host, &headers);
        let is_wanted =
            |from| status == StatusCode::OK || (from > 0 && status == StatusCode::PARTIAL_CONTENT);
        if request.stream_from.is_some_and(is_wanted) {
            return Ok(Reply {
                host,
                is_elsewhere,
                status,
                headers,
                body: Bytes::new(),
                unread: Some(response),
                identity: Identity::Anonymous,
            });
        }
        let body = self.body(response, request, &host).await?;
        let body = decoded(body, status, &headers, request, &host)?;
        Ok(Reply {
            host,
            is_elsewhere,
            status,
            headers,
            body,
            unread: None,
            identity: Identity::Anonymous,
        })
    }

    /// The body as it was sent, at most `limit` bytes of a good answer. Of another answer, the beginning is enough.
    async fn body(
        &self,
        mut response: Response,
        request: &Request,
        host: &str,
    ) -> Result<Bytes, Setback> {
        let is_good = response.status().is_success();
        let limit = if is_good {
            request.limit
        } else {
            MAX_ERROR_BYTES
        };
        if is_good
            && response
                .content_length()
                .is_some_and(|length| length > limit as u64)
        {
            return Err(if request.limits_nodes {
                Setback::damaged(&too_large(request, host))
            } else {
                Setback::malformed(&too_large(request, host))
            });
        }
        let mut body = BytesMut::new();
        loop {
            let chunk = match response.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return Ok(body.freeze()),
                Err(_) if !is_good => return Ok(body.freeze()),
                Err(error) => return Err(classify(&error, host)),
            };
            self.counters.downloaded(chunk.len());
            if body.len() + chunk.len() > limit {
                return if is_good {
                    Err(Setback::malformed(&too_large(request, host)))
                } else {
                    Ok(body.freeze())
                };
            }
            body.extend_from_slice(&chunk);
        }
    }
}

fn too_large(request: &Request, host: &str) -> String {
    format!(
        "the {} from {host} is larger than the {} bytes that are taken",
        request.what, request.limit
    )
}

/// The body without its content coding. None is asked for, but a server may choose gzip by itself, and containerd would
/// read it. Of an answer that is no good one, the beginning is enough.
fn decoded(
    body: Bytes,
    status: StatusCode,
    headers: &HeaderMap,
    request: &Request,
    host: &str,
) -> Result<Bytes, Setback> {
    let is_gzip = headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"gzip"));
    if !is_gzip {
        return Ok(body);
    }
    let mut plain = Vec::new();
    let is_good = status.is_success();
    let limit = if is_good {
        request.limit
    } else {
        MAX_ERROR_BYTES
    } as u64;
    match GzDecoder::new(body.as_ref())
        .take(limit + 1)
        .read_to_end(&mut plain)
    {
        _ if !is_good => Ok(plain.into()),
        Ok(_) if plain.len() as u64 > limit => Err(Setback::malformed(&too_large(request, host))),
        Ok(_) => Ok(plain.into()),
        Err(error) => Err(Setback::malformed(&format!(
            "the {} from {host} is no gzip as it says: {error}",
            request.what
        ))),
    }
}

/// `host` or `host:port`, for messages.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a redirect leads. Only the web's own schemes count, and never link-local addresses. From TLS to plain HTTP is
/// followed as nodes follow it, to a storage inside a network for one (containerd's `core/remotes/docker/resolver.go` and
/// `net/http`, which CRI-O uses as it comes, only count redirects): no credentials go there, and digests keep the content.
pub(super) fn target(from: &Url, reply: &Reply) -> Result<Url, Setback> {
    let fail = |why: &str| Setback::malformed(&format!("{} redirects {why}", reply.host));
    let location = reply
        .header("location")
        .ok_or_else(|| fail("without saying where to"))?;
    let to = from
        .join(location)
        .map_err(|_| fail("to what is no address"))?;
    match to.scheme() {
        "https" | "http" if is_link_local(&to) => Err(fail(
            "to a link-local address, where clouds keep credentials",
        )),
        "https" | "http" if to.has_host() => Ok(to),
        _ => Err(fail("to what is no web address")),
    }
}

/// The failure that a reply of 429 or 5xx is.
fn passing_trouble(reply: &Reply) -> Option<Failure> {
    let reason = match reply.status.as_u16() {
        429 => FailureReason::RateLimited,
        500..=599 => FailureReason::ServerError,
        _ => return None,
    };
    let (_, message) = error_document(&reply.body);
    let said = if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    };
    let limit = RateLimit::read(&reply.headers);
    let words = match limit {
        Some(limit) => format!("{said} ({limit})"),
        None => said,
    };
    let mut trouble = failure(
        reason,
        &format!("{} answered {}{words}", reply.host, reply.status),
    );
    trouble.respondent = reply.is_elsewhere.then(|| reply.host.clone());
    trouble.retry_after = reply
        .header("retry-after")
        .and_then(|text| retry_after(text, SystemTime::now()))
        .or_else(|| {
            // Whoever has none left for hours is not let in a second later.
            let used_up = limit.filter(|limit| limit.remaining == 0)?;
            used_up
                .window
                .filter(|_| reason == FailureReason::RateLimited)
        });
    Some(trouble)
}

/// `Retry-After`: seconds or a date (RFC 9110 section 10.2.3).
pub(super) fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    let wait = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let date = httpdate::parse_http_date(text).ok()?;
        date.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

/// How long to wait after the try of number `tries`: what the server asks for, else a doubling, jittered pause.
fn pause(failed: &Failure, tries: u32) -> Duration {
    let jitter = 0.5 + fastrand::f64();
    let own = FIRST_PAUSE
        .saturating_mul(1 << tries.min(10))
        .min(LONGEST_PAUSE)
        .mul_f64(jitter);
    failed.retry_after.map_or(own, |asked| asked.max(own / 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_how_long_to_wait_in_seconds_or_as_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (text, wait) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("18446744073709551615", Some(365 * 24 * 3600)),
        ] {
            assert_eq!(
                retry_after(text, now),
                wait.map(Duration::from_secs),
                "{text}"
            );
        }
    }

    #[test]
    fn redirects_stay_on_the_web() {
        let reply = |location: &str| {
            let mut reply = Reply::for_test(307, "");
            if !location.is_empty() {
                reply
                    .headers
                    .insert(header::LOCATION, location.parse().expect("a header"));
            }
            reply
        };
        let from: Url = "https://registry.example.com/v2/a/blobs/b"
            .parse()
            .expect("a URL");
        for (location, to) in [
            (
                "https://s.example/b?sig=1",
                Some("https://s.example/b?sig=1"),
            ),
            ("/other", Some("https://registry.example.com/other")),
            ("http://s.example/b", Some("http://s.example/b")),
            ("http://169.254.169.254/latest/meta-data", None),
            ("https://169.254.169.254/latest/meta-data", None),
            ("file:///etc/passwd", None),
            ("", None),
        ] {
            let target = target(&from, &reply(location)).ok();
            assert_eq!(target.as_ref().map(Url::as_str), to, "{location}");
        }
    }
}
