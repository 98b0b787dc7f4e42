//! `__module__`, see `src/__service__/__kind__.rs`.

fn main() {
    std::process::exit(hearth::module::run::main::<hearth::__service__::__kind__::__Kind__Kind>(
        hearth::module::run::Invocation::of_process(),
    ));
}
