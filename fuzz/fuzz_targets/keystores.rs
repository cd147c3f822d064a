#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| aivenator_fuzz::keystores::check(bytes));
