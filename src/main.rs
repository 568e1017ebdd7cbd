//! The `repro` program: hands its arguments to [`repro::cli`].
fn main() {
    println!("not yet wired");
}
