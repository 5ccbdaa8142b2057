//! The whole list of a repository's tags, which registries give out page by page.

use std::collections::BTreeSet;

use reqwest::Url;
use reqwest::header::{self, HeaderMap};
use tokio::time::timeout;

use super::host::Wire;
use super::request::Question;
use super::tags;
use super::transport::Reply;
use super::ways::Ways;

/// The most pages that are read of a list. A thousand tags are asked for at once, and some registries give out a hundred.
const MAX_PAGES: usize = 100;

/// The most bytes of all pages of a list together: tags of tens of thousands of builds, with room for what some registries
/// say of each.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The tags of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TagList {
    pub names: Vec<String>,
    /// Whether these are all. If not, what is the newest of them says little.
    pub is_whole: bool,
}

impl TagList {
    /// Asks for all pages, the further ones at the host that gave the first. They have the time of one question together, so
    /// that a long list costs no image its answer.
    pub async fn ask(ways: &Ways, wire: &Wire, repository: &str) -> Self {
        let mut names = BTreeSet::new();
        let first = Question::Tags {
            repository,
            page: None,
        };
        let mut is_whole = false;
        if let Ok((host, reply)) = ways.ask_any(wire, &first).await {
            let pages = Pages {
                ways,
                wire,
                repository,
                host,
            };
            let rest = pages.read(reply, &mut names);
            is_whole = timeout(wire.timeout, rest).await.unwrap_or_default();
        }
        Self {
            names: names.into_iter().collect(),
            is_whole,
        }
    }
}

/// The pages of one host.
struct Pages<'a> {
    ways: &'a Ways,
    wire: &'a Wire,
    repository: &'a str,
    host: usize,
}

impl Pages<'_> {
    /// Reads the first page and all that follow it. Gives whether these are all.
    async fn read(&self, mut reply: Reply, names: &mut BTreeSet<String>) -> bool {
        let mut page: Option<String> = None;
        let mut bytes = 0;
        for _ in 0..MAX_PAGES {
            let Some(read) = tags::read(&reply.body) else {
                return false;
            };
            bytes += reply.body.len();
            let (before, is_empty) = (names.len(), read.is_empty());
            names.extend(read);
            // Who gives out the same again goes round in circles.
            let goes_on = is_empty || names.len() > before;
            let question = self.question(page.as_deref());
            let next = match self.ways.address(self.host, &question) {
                Some(asked) => next(&reply.headers, &asked),
                None => Next::Elsewhere,
            };
            page = match next {
                Next::None => return true,
                Next::Page(next) if goes_on && bytes < MAX_BYTES && !reply.is_elsewhere => {
                    Some(next)
                }
                Next::Page(_) | Next::Elsewhere => return false,
            };
            let question = self.question(page.as_deref());
            match self.ways.ask_at(self.host, self.wire, &question).await {
                Ok(answer) => reply = answer,
                Err(_) => return false,
            }
        }
        false
    }

    const fn question<'q>(&'q self, page: Option<&'q str>) -> Question<'q> {
        Question::Tags {
            repository: self.repository,
            page,
        }
    }
}

/// What follows a page.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Nothing.
    None,
    /// Another page, at this path of the same host, with its query.
    Page(String),
    /// What is not asked for: the page itself, another host, or no address.
    Elsewhere,
}

/// What the header `Link` names as next (OCI distribution-spec, "Listing Tags"; RFC 8288), relative to the page that was asked
/// for. Credentials are for one host and its encryption, and so no other is asked.
fn next(headers: &HeaderMap, asked: &Url) -> Next {
    let values = headers.get_all(header::LINK).iter();
    let mut links = values.filter_map(|value| next_link(value.to_str().ok()?));
    let Some(link) = links.next() else {
        return Next::None;
    };
    match asked.join(link) {
        Ok(url) if url.origin() == asked.origin() => {
            let page = path_and_query(&url);
            if page == path_and_query(asked) {
                Next::Elsewhere
            } else {
                Next::Page(page)
            }
        }
        _ => Next::Elsewhere,
    }
}

/// The first address in a header `Link` that is the next page: the one that says so, or that says nothing of itself.
fn next_link(value: &str) -> Option<&str> {
    let mut rest = value;
    while let Some((_, link)) = rest.split_once('<') {
        let (address, after) = link.split_once('>')?;
        let mut is_quoted = false;
        let end = after.find(|c| {
            is_quoted ^= c == '"';
            c == ',' && !is_quoted
        });
        let (parameters, others) = after.split_at(end.unwrap_or(after.len()));
        if relations(parameters).is_none_or(|words| {
            let mut words = words.split_ascii_whitespace();
            words.any(|word| word.eq_ignore_ascii_case("next"))
        }) {
            return Some(address);
        }
        rest = others;
    }
    None
}

/// What the parameters of a link say that it is.
fn relations(parameters: &str) -> Option<&str> {
    let mut parameters = parameters.split(';');
    parameters.find_map(|parameter| {
        let (name, words) = parameter.split_once('=')?;
        let is_relation = name.trim().eq_ignore_ascii_case("rel");
        is_relation.then(|| words.trim().trim_matches('"'))
    })
}

fn path_and_query(url: &Url) -> String {
    let query = url.query().map(|query| format!("?{query}"));
    format!("{}{}", url.path(), query.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: &str = "https://registry.example.com/v2/shop/app/tags/list?n=1000";

    fn after(links: &[&str]) -> Next {
        let mut headers = HeaderMap::new();
        for link in links {
            headers.append(header::LINK, link.parse().expect("a header"));
        }
        next(&headers, &ASKED.parse().expect("an address"))
    }

    #[test]
    fn the_next_page_is_at_the_same_host() {
        let page = |page: &str| Next::Page(page.to_owned());
        let second = "/v2/shop/app/tags/list?n=1000&last=1.9";
        for link in [
            "</v2/shop/app/tags/list?n=1000&last=1.9>; rel=\"next\"",
            "<https://registry.example.com/v2/shop/app/tags/list?n=1000&last=1.9>;rel=next",
            "<https://registry.example.com:443/v2/shop/app/tags/list?n=1000&last=1.9>",
            "<list?n=1000&last=1.9>; title=\"a, b\"; rel=\"last next\"",
            "<?n=1000&last=1.9>; REL=Next",
            "<?n=1>; rel=\"prev\", <?n=1000&last=1.9>; rel=\"next\"",
        ] {
            assert_eq!(after(&[link]), page(second), "{link}");
        }
        let two = ["<?n=1>; rel=first", "<?n=1000&last=1.9>; rel=next"];
        assert_eq!(after(&two), page(second));
    }

    #[test]
    fn nobody_else_is_asked_for_a_page() {
        for link in [
            "<https://evil.example/v2/shop/app/tags/list?last=1.9>; rel=next",
            "<//evil.example/v2/shop/app/tags/list?last=1.9>; rel=next",
            "<http://registry.example.com/v2/shop/app/tags/list?last=1.9>; rel=next",
            "<https://registry.example.com:8443/v2/shop/app/tags/list?last=1.9>; rel=next",
            "<https://registry.example.com@evil.example/tags/list>; rel=next",
            "<file:///etc/passwd>; rel=next",
            "<https://[::1>; rel=next",
            "<>; rel=next",
            "</v2/shop/app/tags/list?n=1000>; rel=next",
        ] {
            assert_eq!(after(&[link]), Next::Elsewhere, "{link}");
        }
        for link in ["", "next", "<?n=1", "<?n=1>; rel=prev"] {
            assert_eq!(after(&[link]), Next::None, "{link}");
        }
        assert_eq!(after(&[]), Next::None);
    }
}
