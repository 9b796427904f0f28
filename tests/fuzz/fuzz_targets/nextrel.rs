//! Any bytes as a configuration file of 2009, evaluated to its end; and as a node's look at its
//! partitions.
#![no_main]

use jumpspec::nextrel::{
    Config, JUMP_SETS, Line, Look, Piece, Request, Statement, TEXT, Variables, Wrong,
};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    match Config::parse(data) {
        Ok(config) => evaluate(&config),
        Err(errors) => assert!(!errors.is_empty(), "an error has a reason"),
    }
    look(&String::from_utf8_lossy(data));
});

fn evaluate(config: &Config) {
    let mut variables = Variables::new("node07", "/log");
    for line in config.lines() {
        assert!((1..=config.count()).contains(&line.number));
        for text in line.statement.texts() {
            let written: String = text.pieces().iter().map(written).collect();
            assert_eq!(written, text.raw());
        }
        // What is wrong from here on is a length: names were looked at by the parser.
        if let Err(wrong) = step(line, &mut variables) {
            assert!(!wrong.reason.contains("not defined"), "{wrong:?}");
            return;
        }
    }
}

fn step(line: &Line, variables: &mut Variables) -> Result<(), Wrong> {
    match &line.statement {
        Statement::Set { name, value } => variables.set(name, variables.expand(value)?),
        Statement::SetFromCommand { name, command } => {
            variables.set(name, variables.command(command)?)
        }
        Statement::Print(text) => variables
            .expand(text)
            .map(|text| assert!(text.len() <= TEXT)),
        Statement::Local(text) | Statement::Remote(text) => {
            let command = variables.command(text)?;
            assert!(command.len() <= TEXT && !command.contains(['\'', '"']));
            Ok(())
        }
        Statement::UsePartition { partition, mount } => {
            let mount = mount.as_ref().map(|it| variables.expand(it)).transpose()?;
            // A wrong one is no end: the names are set as if it were right.
            drop(Request::new(
                &variables.expand(partition)?,
                mount.as_deref(),
            ));
            JUMP_SETS
                .iter()
                .try_for_each(|name| variables.set(name, String::new()))
        }
        Statement::ShowVariables => Ok(()),
    }
}

fn written(piece: &Piece<'_>) -> String {
    match piece {
        Piece::Plain(plain) => (*plain).to_owned(),
        Piece::Variable(name) => format!("%{name}%"),
    }
}

fn look(said: &str) {
    let look = Look::read(said);
    for partition in ["swap", "/dev/sda2"] {
        let request = Request::new(partition, None).expect("a sound request");
        for landing in [request.choose(&look), request.find_again(&look)]
            .into_iter()
            .flatten()
        {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '/';
            assert!(landing.device().chars().all(plain), "{landing:?}");
            drop((
                landing.values(),
                landing.make_script(),
                landing.mount_script(),
            ));
        }
    }
}
