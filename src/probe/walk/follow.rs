//! One question about an image, and where the registry sends it on to.

use std::time::Instant;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, Response, StatusCode, Url};

use super::reach::{End, Spoken};
use super::{Other, Walk};
use crate::oci::Reference;
use crate::probe::client::client;
use crate::probe::fault::Fault;
use crate::probe::web::{self, Broken, Failed, authority};

/// The most redirects that are followed, as many as containerd follows (Go's `net/http`).
const MAX_REDIRECTS: usize = 10;

/// A question about an image.
pub(super) struct Question<'a> {
    pub stage: &'static str,
    pub method: Method,
    /// The path behind `/v2/`.
    pub path: String,
    pub authorization: Option<&'a HeaderValue>,
    pub image: &'a Reference,
    /// What of the image is asked for, where the image itself is known to be there.
    pub part: Option<&'static str>,
}

/// A good answer, of which the stage is not noted yet: its body may be none.
pub(super) struct Good {
    pub stage: &'static str,
    /// What was asked, for the report.
    pub target: String,
    /// The host that answered.
    pub host: String,
    pub start: Instant,
    pub answer: Response,
}

/// A good answer with its whole body.
pub(super) struct Whole {
    pub stage: &'static str,
    pub target: String,
    pub host: String,
    pub start: Instant,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Whole {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Walk<'_> {
    /// Asks, and follows redirects as a node does: another host gets its own lower stages, and no credentials.
    pub(super) async fn ask(&mut self, question: &Question<'_>) -> Option<Good> {
        let mut url = self.url(&question.path)?;
        let mut client = self.client.clone();
        let mut authorization = question.authorization;
        let mut is_elsewhere = false;
        for _ in 0..=MAX_REDIRECTS {
            let host = authority(&url);
            let (stage, target) = if is_elsewhere {
                ("redirect", host.clone())
            } else {
                (question.stage, url.path().to_owned())
            };
            let start = Instant::now();
            let none = HeaderMap::new();
            let headers = if is_elsewhere {
                &none
            } else {
                self.host.headers()
            };
            let method = question.method.clone();
            let sent = web::send(&client, method, &url, headers, authorization).await;
            let failed = match sent {
                Ok(answer) if answer.status() == StatusCode::OK => {
                    return Some(Good {
                        stage,
                        target,
                        host,
                        start,
                        answer,
                    });
                }
                Ok(answer) => match web::redirect(&answer) {
                    Some(next) => {
                        let words = format!("status {}, to {}", answer.status(), authority(&next));
                        self.add(stage, &target, start, Ok(words));
                        if next.origin() != url.origin() {
                            is_elsewhere = true;
                            // Nor does the registry get them back once another host has had its say.
                            authorization = None;
                            let Some(found) = self.other(&next).await else {
                                self.add_skipped("redirect", &authority(&next));
                                return None;
                            };
                            client = found.client;
                        }
                        url = next;
                        continue;
                    }
                    None if is_elsewhere => refused_elsewhere(&answer, &host),
                    None => self.refused_part(&answer, &host, question),
                },
                Err(failed) if is_elsewhere => beyond(failed, &host),
                Err(failed) => failed,
            };
            self.fail(stage, &target, start, failed);
            return None;
        }
        let words = format!("more than {MAX_REDIRECTS} redirects");
        let host = authority(&url);
        self.fail(
            "redirect",
            &host,
            Instant::now(),
            (words, Fault::Answer(host.clone())),
        );
        None
    }

    /// The same, with the whole body.
    pub(super) async fn fetch(&mut self, question: &Question<'_>, limit: usize) -> Option<Whole> {
        let good = self.ask(question).await?;
        let Good {
            stage,
            target,
            host,
            start,
            answer,
        } = good;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let failed = match web::body(answer, limit).await {
            Ok(body) => {
                return Some(Whole {
                    stage,
                    target,
                    host,
                    start,
                    status,
                    headers,
                    body,
                });
            }
            Err(Broken::TooLong) => (
                format!("status {status}, and more than {limit} bytes"),
                Fault::Damaged {
                    host,
                    image: question.image.to_string(),
                },
            ),
            Err(Broken::Late(read)) => (
                format!("status {status}, and not all within the time: {read} bytes"),
                Fault::Answer(host),
            ),
            Err(Broken::Off(read)) => (
                format!("status {status}, and the connection breaks off after {read} bytes"),
                Fault::Truncated(host),
            ),
        };
        self.fail(stage, &target, start, failed);
        None
    }

    /// The host of this address, after the lower stages to it where it is another one. None where it is out of reach.
    pub(super) async fn other(&mut self, url: &Url) -> Option<Other> {
        let origin = url.origin().ascii_serialization();
        let own = self.url("")?.origin().ascii_serialization();
        if origin == own {
            return Some(Other {
                client: self.client.clone(),
                is_verified: true,
            });
        }
        if let Some(known) = self.others.get(&origin) {
            return known.clone();
        }
        let reached = self.reach_other(url).await;
        self.others.insert(origin, reached.clone());
        reached
    }

    async fn reach_other(&mut self, url: &Url) -> Option<Other> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let tls = url.scheme() == "https";
        let proxy = self.options.proxies.of(url);
        let end = End {
            host,
            port: url.port(),
            tls,
            proxy,
            may_be_plain: false,
        };
        if end.proxy != self.proxy {
            self.name_proxy(&end);
        }
        let is_first_fault = self.report.fault.is_none();
        let start = Instant::now();
        let spoken = self.reach(&end).await;
        if spoken == Some(Spoken::Plain) && self.url("")?.scheme() == "https" {
            let words = "plain HTTP: the redirect leaves TLS. Nodes follow it, and all on the way can read what they get";
            self.add("tls", &end.authority(), start, Ok(words.to_owned()));
        }
        if is_first_fault && matches!(self.report.fault, Some(Fault::Connection { .. })) {
            self.report.fault = Some(Fault::OtherHost(end.authority()));
        }
        let is_verified = spoken? != Spoken::Tls { is_verified: false };
        let proxy = end.proxy.as_ref();
        let client = client(self.options, &self.trusted, is_verified, proxy).ok()?;
        Some(Other {
            client,
            is_verified,
        })
    }

    /// What it means that the registry refuses a part of an image that is there.
    fn refused_part(&self, answer: &Response, host: &str, question: &Question<'_>) -> Failed {
        match (answer.status().as_u16(), question.part) {
            (404, Some(part)) => (
                format!("status {}", answer.status()),
                Fault::Incomplete {
                    image: question.image.to_string(),
                    part,
                },
            ),
            _ => self.refused(answer, host, question.image),
        }
    }
}

/// What it means that the host behind the registry refuses.
fn refused_elsewhere(answer: &Response, host: &str) -> Failed {
    let status = answer.status().as_u16();
    let host = host.to_owned();
    (
        format!("status {}", answer.status()),
        Fault::Storage { host, status },
    )
}

/// The registry has sent us on, so it is not the registry that is out of reach.
fn beyond((words, fault): Failed, host: &str) -> Failed {
    let fault = match fault {
        Fault::Connection { .. } => Fault::OtherHost(host.to_owned()),
        other => other,
    };
    (words, fault)
}
