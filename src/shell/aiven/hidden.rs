//! What no type with a credential in it can do: be cloned, printed, compared, or turned into a document.
//!
//! The compiler says so: these are tests that are over once this is built.

use std::fmt::{Debug, Display};

use serde::Serialize;

use super::call::Answer;
use super::credentials::{Account, Credentials, NotReady, Sealed};
use super::token::TokenSource;
use crate::shell::keystore::{Material, Stores};
use crate::shell::resolve::{Purse, Resolved};
use crate::value::Credential;

/// Does not compile if the type has one of these traits: then it would not be clear which `here` is meant.
macro_rules! never {
    ($type:ty: $($trait:path),+) => {
        $(const _: fn() = || {
            trait Either<A> {
                fn here() {}
            }
            impl<T: ?Sized> Either<()> for T {}
            impl<T: ?Sized + $trait> Either<u8> for T {}
            let _ = <$type as Either<_>>::here;
        };)+
    };
}

never!(Sealed: Clone, Debug, Display, Serialize, PartialEq);
never!(Answer: Clone, Debug, Display, Serialize, PartialEq);
never!(Material: Clone, Debug, Display, Serialize, PartialEq);
never!(Stores: Clone, Debug, Display, Serialize, PartialEq);
never!(Purse<'static>: Clone, Debug, Display, Serialize, PartialEq);
never!(Resolved: Clone, Debug, Display, Serialize, PartialEq);
// These have a Debug of their own, which says that something is hidden.
never!(Credentials: Clone, Display, Serialize, PartialEq);
never!(Account: Clone, Display, Serialize, PartialEq);
// A source is handed to each client.
never!(TokenSource: Display, Serialize, PartialEq);

#[test]
fn what_can_be_printed_is_hidden() {
    assert_eq!(format!("{:?}", Credentials::default()), "Credentials(hidden)");
    assert_eq!(format!("{:?}", TokenSource::literal("t0ken")), "Literal(hidden)");
    assert_eq!(format!("{:#?}", TokenSource::literal("t0ken")), "Literal(hidden)");
    assert_eq!(NotReady(Credential::Password).to_string(), "the password is not there yet");
}
