"""What configures gpcli, in words: its variables, those of everybody, and the keys of a profile."""

OWN_VARIABLES = (
    ("GPCLI_PROFILE", "The profile to use, as --profile"),
    ("GPCLI_AS", "The person to act as, as --as"),
    ("GPCLI_CONFIG_DIR", "A directory for configuration, state and cache"),
    ("GPCLI_NO_INPUT", "Never ask, as --no-input"),
    ("GPCLI_ACCESSIBLE", "Words for a screen reader at a terminal, as --accessible"),
    ("GPCLI_SHOW_ALL", "Show also the commands that your GP does not offer"),
    ("GPCLI_PAGER", "What shows long answers on a terminal: less, unless given; empty = nothing"),
    ("GPCLI_DEBUG", "Tell each request, and where gpcli failed, as --debug"),
    ("GPCLI_NOTIFY_TOKEN", "For gpcli watch: a token for --ntfy or --webhook"),
    ("GPCLI_ALLOW_PRODUCTION", "The production profile that a CI run may touch"),
)
MACHINE_VARIABLES = (
    ("GPCLI_PORTAL", "The portal's FHIR address"),
    ("GPCLI_ENVIRONMENT", "production, staging or sandbox; production if not given"),
    ("GPCLI_TOKEN", "An access token"),
    ("GPCLI_TOKEN_COMMAND", "A command that prints one, instead; run again when one is refused"),
    (
        "GPCLI_PATIENT",
        "The patient's id at the portal; with key_file in the profile too, where it "
        "says that a machine signs in",
    ),
    ("GPCLI_CLOCK_OFFSET", "Seconds that a sandbox's clock is ahead; for sandboxes alone"),
    ("GPCLI_FHIR_USER", "Who acts for the patient, such as RelatedPerson/7"),
    ("GPCLI_SMOKE_OTHER_PATIENT", "For gpcli smoke: a patient whose records must stay closed"),
)
RESPECTED_VARIABLES = (
    ("NO_COLOR", "No colour"),
    ("FORCE_COLOR, CLICOLOR_FORCE", "Colour also where there is no terminal"),
    ("TERM", "No colour if it is dumb"),
    ("COLUMNS, LINES", "The size of the terminal"),
    ("BROWSER", "The browser that login, open and econsult join use"),
    ("VISUAL, EDITOR", "Where you write a message"),
    ("PAGER", "The same where GPCLI_PAGER is not given"),
    ("XDG_CONFIG_HOME", "Where configuration is kept; XDG_STATE_HOME and XDG_CACHE_HOME alike"),
    ("HTTPS_PROXY, NO_PROXY", "The way to the portal"),
    ("SSL_CERT_FILE, _DIR", "Certificates to trust instead of the system's"),
    ("LC_ALL", "The terminal's characters"),
    ("CI", "If true, never ask, and keep away from production"),
)

PROFILE_KEYS = (
    ("portal", "The FHIR base of the portal; required"),
    ("environment", "production, staging or sandbox; required"),
    ("client_id", "Who gpcli is to the portal, 'gpcli' unless given"),
    (
        "client_auth",
        "How gpcli proves that it is client_id: none, client_secret_basic, "
        "client_secret_post or private_key_jwt; as the portal says unless given",
    ),
    ("client_secret", "'keyring' where the keyring has a secret; login --client-secret keeps one"),
    (
        "scopes",
        "What sign-in asks for, as written; unless given, what gpcli uses and the portal offers",
    ),
    ("scopes_version", "1 or 2: how scopes are written; as the portal says unless given"),
    ("redirect_port", "The port of the sign-in's last page, where the portal wants a fixed one"),
    ("prompt", "What to send as prompt, such as 'consent' where offline access needs it"),
    ("acr", "The level of sign-in to ask for and to insist on"),
    ("booking", "How a time is taken: post, operation or transaction; auto unless given"),
    ("status_sent", "The status that a booking is sent with: proposed, pending or booked"),
    ("token_command", "A command that prints an access token; for machines"),
    (
        "key_file",
        "A private key (JWK, mode 0600) of client_id: with GPCLI_PATIENT it signs a "
        "machine in for that patient; without, people sign in, and it proves the client",
    ),
    ("ca_file", "Certificates (PEM) to trust besides the system's; relative to this file"),
    ("timeout", "Seconds for the network work of a command, 30 unless given"),
    ("zone", "The surgeries' time zone, Europe/Oslo unless given"),
    ("accessible", "true: words for a screen reader at a terminal, as --accessible"),
    ("emergency", "A table of the numbers in safety texts: acute = '113', urgent = '116 117'"),
    ("services", "A table of other codes: 'system|code' = 'booking', or a list of services"),
    (
        "services_listed",
        "Whether the portal says what its GPs offer: true or false; else found out",
    ),
    ("smoke", "A table for gpcli smoke at this portal; see gpcli help smoke"),
    ("synthetic", "A table that tells which patients are test patients; see gpcli help smoke"),
)
"""The keys of a profile in `config.toml`, and what they mean."""
