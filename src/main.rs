//! The `repro` program: hands its arguments to [`repro::cli`].

fn main() -> std::process::ExitCode {
    repro::cli::main()
}
