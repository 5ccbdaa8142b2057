//! What a registry with a fault sends back: whole responses, and steps that are none.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

/// What goes back.
pub enum Answer {
    /// A whole response, to a `HEAD` without its body.
    Whole(Response),
    /// These steps, and then the end of the connection.
    Steps(Vec<Step>),
}

/// One step of an answer that is none.
pub enum Step {
    Send(Vec<u8>),
    /// Byte by byte, with a pause after each.
    Drip(Vec<u8>, Duration),
    /// The same again and again, up to a size that no client may ever take.
    Flood(Vec<u8>),
    /// Silence.
    Hold,
    Reset,
}

/// The most bytes that a flood has: so much that a client without bounds would be seen.
pub const FLOOD: usize = 1024 * 1024 * 1024;

pub struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

pub fn whole(status: u16) -> Answer {
    Answer::Whole(Response {
        status,
        headers: Vec::new(),
        body: Vec::new(),
    })
}

/// An error document of the distribution specification.
pub fn error(status: u16, code: &str) -> Answer {
    whole(status).json(&json!({"errors": [{"code": code, "message": "said by the registry"}]}))
}

pub fn unauthorized(challenge: &str) -> Answer {
    error(401, "UNAUTHORIZED").header("WWW-Authenticate", challenge)
}

/// A Bearer challenge with the token service at `realm`.
pub fn wants_token(realm: &str) -> Answer {
    unauthorized(&format!(
        "Bearer realm=\"{realm}\",service=\"faults\",scope=\"repository:app:pull\""
    ))
}

pub fn redirect(location: &str) -> Answer {
    whole(307).header("Location", location)
}

/// The answer of a token service.
pub fn issued(token: &str) -> Answer {
    whole(200).json(&json!({"token": token, "expires_in": 300}))
}

/// Bytes that are sent as they are; then the connection ends.
pub fn bytes(text: impl Into<Vec<u8>>) -> Answer {
    Answer::Steps(vec![Step::Send(text.into())])
}

impl Answer {
    /// Adds a header, or sets it anew.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Whole(response) = &mut self {
            response.headers.retain(|(known, _)| known != name);
            response.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Adds a header beside others of its name.
    pub fn and_header(mut self, name: &str, value: &str) -> Self {
        if let Self::Whole(response) = &mut self {
            response.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        if let Self::Whole(response) = &mut self {
            response.headers.retain(|(known, _)| known != name);
        }
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        if let Self::Whole(response) = &mut self {
            response.body = body.into();
        }
        self
    }

    pub fn json(self, document: &Value) -> Self {
        self.header("Content-Type", "application/json")
            .body(document.to_string())
    }

    pub fn page(self, text: &str) -> Self {
        self.header("Content-Type", "text/html")
            .body(format!("<html><body>{text}</body></html>"))
    }

    /// The head that a sound response has, and its body: for answers that break off or go wrong in between.
    pub fn parts(self, version: &str, length: Option<usize>) -> (String, Vec<u8>) {
        let Self::Whole(response) = self else {
            return (String::new(), Vec::new());
        };
        let mut head = format!("HTTP/{version} {} Status\r\n", response.status);
        for (name, value) in &response.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if let Some(length) = length {
            let _ = write!(head, "Content-Length: {length}\r\n");
        }
        head.push_str("\r\n");
        (head, response.body)
    }

    /// The steps after this one.
    pub fn then(self, step: Step) -> Self {
        match self {
            Self::Steps(mut steps) => {
                steps.push(step);
                Self::Steps(steps)
            }
            Self::Whole(_) => {
                let length = self.length();
                let (head, body) = self.parts("1.1", Some(length));
                bytes(head.into_bytes()).then(Step::Send(body)).then(step)
            }
        }
    }

    pub fn length(&self) -> usize {
        match self {
            Self::Whole(response) => response.body.len(),
            Self::Steps(_) => 0,
        }
    }
}
