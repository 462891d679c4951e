//! Paths as URIs: relative to the checkout, absolute outside of it.

use camino::Utf8Path;
use url::Url;

use super::{ROOT_ID, model::ArtifactLocation};

/// Makes the URIs of a checkout.
pub(super) struct CheckoutUris {
    /// With a slash at the end; `None` if the folder has no URI.
    root: Option<String>,
}

impl CheckoutUris {
    pub(super) fn new(root: &Utf8Path) -> Self {
        Self { root: Url::from_directory_path(root).ok().map(|url| encoded(url.as_str())) }
    }

    /// The URI of the folder.
    pub(super) fn root(&self) -> Option<&str> {
        self.root.as_deref()
    }

    /// The URI of a file.
    pub(super) fn of(&self, file: &Utf8Path) -> ArtifactLocation {
        let absolute = match Url::from_file_path(file) {
            Ok(url) => encoded(url.as_str()),
            Err(()) => return ArtifactLocation { uri: String::new(), uri_base_id: None },
        };
        match self.root().and_then(|root| absolute.strip_prefix(root)) {
            // A colon in the first segment would end a scheme (RFC 3986, 4.2).
            Some(inner) => {
                ArtifactLocation { uri: inner.replace(':', "%3A"), uri_base_id: Some(ROOT_ID) }
            }
            None => ArtifactLocation { uri: absolute, uri_base_id: None },
        }
    }
}

/// Also encodes what the URL standard leaves as it is in a path, but RFC 3986 does not allow there.
fn encoded(url: &str) -> String {
    [("[", "%5B"), ("]", "%5D"), ("|", "%7C"), ("^", "%5E"), ("\\", "%5C"), ("`", "%60")]
        .iter()
        .fold(url.to_owned(), |url, (c, code)| url.replace(c, code))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn uris_are_relative_to_the_checkout_and_encoded() {
        let of = |file: &str| {
            let ArtifactLocation { uri, uri_base_id } =
                CheckoutUris::new(Utf8Path::new("/a b")).of(Utf8Path::new(file));
            (uri, uri_base_id.is_some())
        };
        assert_eq!(of("/a b/Cargo.toml"), ("Cargo.toml".to_owned(), true));
        assert_eq!(
            of("/a b/c:d/ä [x]|%/Cargo.toml"),
            ("c%3Ad/%C3%A4%20%5Bx%5D%7C%25/Cargo.toml".to_owned(), true)
        );
        assert_eq!(of("/a bc/Cargo.toml"), ("file:///a%20bc/Cargo.toml".to_owned(), false));
    }
}
