//! Cursors of lists and of logs, which clients send back.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pmdaemon::api::cursor;
use pmdaemon::logs::Cursor;

pub fn check(data: &[u8]) {
    // As it is, and as what somebody put into one.
    word(&String::from_utf8_lossy(data));
    word(&URL_SAFE_NO_PAD.encode(data));
}

fn word(word: &str) {
    if let Ok(read) = Cursor::decode(word) {
        assert_eq!(Cursor::decode(&read.encode()).as_ref(), Ok(&read), "{word:?}");
        let twice = Cursor::decode(&format!("{word},{word}"));
        assert!(twice.is_ok() || word.len() > 32 << 10, "{word:?}");
    }
    for list in ["events", "apps", "operations"] {
        if let Ok(at) = cursor::decode(list, word) {
            assert_eq!(cursor::decode(list, &cursor::encode(list, at)).ok(), Some(at), "{word:?}");
            assert!(cursor::decode("other", word).is_err(), "{word:?}");
        }
    }
}
