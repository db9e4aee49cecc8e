//! Where a server is: the base URL, with its credentials kept apart.

use std::net::IpAddr;

use reqwest::Url;

use super::Secret;

/// A base URL that has been checked.
#[derive(Clone)]
pub(crate) struct Endpoint {
    url: Url,
    /// The URL without credentials, for people.
    shown: String,
    /// User name and password that stood in the URL.
    login: Option<(String, Secret)>,
    secrets: Vec<Secret>,
}

impl Endpoint {
    /// Reads a base URL such as `http://127.0.0.1:8000/v1`.
    ///
    /// # Errors
    /// One sentence with the remedy; it shows nothing of a credential.
    pub(crate) fn parse(base_url: &str) -> Result<Endpoint, String> {
        // The parser's error names the fault only, never the URL.
        let mut url = Url::parse(base_url.trim()).map_err(|e| {
            format!("`base_url` is no URL ({e}): write it like http://127.0.0.1:8000/v1")
        })?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(format!(
                "`base_url` has the scheme `{}`: write it like http://127.0.0.1:8000/v1",
                url.scheme()
            ));
        }
        let mut secrets = Vec::new();
        let login = take_login(&mut url);
        if let Some((_, password)) = &login {
            secrets.push(password.clone());
        }
        url.set_fragment(None);
        let mut shown = url.clone();
        if url.query().is_some() {
            shown.set_query(None);
            for (name, value) in url.query_pairs() {
                let secret = is_credential(&name);
                if secret {
                    secrets.push(Secret::new(&value));
                }
                shown.query_pairs_mut().append_pair(&name, if secret { "secret" } else { &value });
            }
        }
        // A secret also appears as it is written in the URL.
        secrets.extend(url.query().into_iter().flat_map(|query| query.split('&')).filter_map(
            |pair| {
                let (name, value) = pair.split_once('=')?;
                is_credential(name).then(|| Secret::new(value))
            },
        ));
        Ok(Endpoint { shown: shown.to_string(), url, login, secrets })
    }

    /// The URL of a resource below the base; a query of the base stays.
    pub(crate) fn resource(&self, path: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// The base URL without credentials.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// User name and password that stood in the URL.
    pub(crate) fn login(&self) -> Option<(&str, &Secret)> {
        self.login.as_ref().map(|(name, password)| (name.as_str(), password))
    }

    /// What must never be shown.
    pub(crate) fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// Whether it is encrypted.
    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether the server is this machine, which no proxy can reach for us.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.url.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

fn take_login(url: &mut Url) -> Option<(String, Secret)> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let name = percent_decoded(url.username());
    let password = percent_decoded(url.password().unwrap_or_default());
    // Both fail only for URLs without a host, which `parse` has refused.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Some((name, Secret::new(password)))
}

/// Undoes `%XX`; what is no such escape stays.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escape = (first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(escape.unwrap_or(first));
        rest = if escape.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether a query parameter of this name holds a credential.
fn is_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["key", "token", "secret", "password", "auth", "sig", "credential"]
        .iter()
        .any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_stand_below_the_base() {
        for (base, expected) in [
            ("http://h:1/v1", "http://h:1/v1/chat/completions"),
            ("http://h:1/v1/", "http://h:1/v1/chat/completions"),
            ("http://h:1", "http://h:1/chat/completions"),
            ("https://h/a/b?api-version=2", "https://h/a/b/chat/completions?api-version=2"),
        ] {
            let endpoint = Endpoint::parse(base).unwrap();
            assert_eq!(endpoint.resource(&["chat", "completions"]).as_str(), expected);
        }
    }

    #[test]
    fn credentials_are_taken_out_of_what_is_shown() {
        let endpoint =
            Endpoint::parse("https://me:p%40ss@h/v1?api_key=abc%2F1&api-version=2").unwrap();
        assert_eq!(endpoint.shown(), "https://h/v1?api_key=secret&api-version=2");
        let (name, password) = endpoint.login().unwrap();
        assert_eq!((name, password.expose()), ("me", "p@ss"));
        let secrets: Vec<&str> = endpoint.secrets().iter().map(Secret::expose).collect();
        assert_eq!(secrets, ["p@ss", "abc/1", "abc%2F1"]);
        assert_eq!(
            endpoint.resource(&["models"]).as_str(),
            "https://h/v1/models?api_key=abc%2F1&api-version=2"
        );
    }

    #[test]
    fn what_is_no_base_url_is_said() {
        assert!(Endpoint::parse("127.0.0.1:8000/v1").is_err());
        assert!(Endpoint::parse("").is_err());
        let error = Endpoint::parse("ftp://me:hunter2@h/").err().unwrap();
        assert!(error.contains("`ftp`") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn loopback_is_recognised() {
        for (url, expected) in [
            ("http://127.0.0.1:1/v1", true),
            ("http://[::1]:1/v1", true),
            ("http://localhost/v1", true),
            ("http://localhost.example/v1", false),
            ("http://10.0.0.1/v1", false),
        ] {
            assert_eq!(Endpoint::parse(url).unwrap().is_loopback(), expected, "{url}");
        }
    }
}
