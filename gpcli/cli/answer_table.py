"""Ready answers, built by `python -m gpcli.cli.build_answers`: change the commands."""

# fmt: off
# ruff: noqa: E501

GROUPS = {
    '': (
        (
            "Your GP's online services, from the command line.\n"
            '\n'
            'USAGE\n'
            '  gpcli COMMAND [OPTIONS]\n'
        ),
        (
            (
                'ACCOUNT',
                (
                    ('login', "  login         Sign in to your GP's portal"),
                    ('logout', '  logout        Sign out, at the portal and here'),
                    ('whoami', '  whoami        Who is signed in, where, and for how long'),
                    ('consent', '  consent       Your consent to Full Access'),
                    ('profile', '  profile       The portals that this machine knows'),
                ),
            ),
            (
                'CARE',
                (
                    ('services', '  services      What your GP offers online, and what not and why'),
                    ('gp', '  gp            Your GP and surgery: address, phone, opening hours'),
                    ('econsult', '  econsult      E-consultations with your GP, in writing, by phone or by video'),
                    ('contact', "  contact       Write to the surgery's reception about administrative matters"),
                    ('messages', '  messages      What you and the surgery have written'),
                    ('rx', '  rx            Your prescriptions, what is left of them, and renewing them'),
                    ('slots', '  slots         Free times'),
                    ('book', '  book          Book a time, or ask the surgery for one'),
                    ('appointments', '  appointments  What is booked, what waits for the surgery, what is past'),
                    ('cancel', '  cancel        Cancel a booking or an enquiry'),
                    ('flu', '  flu           The flu vaccine: eligibility, price, free times, booking'),
                ),
            ),
            (
                'TOOLS',
                (
                    ('sandbox', '  sandbox       A GP portal on this machine, with known people'),
                    ('troubleshoot', '  troubleshoot  What is wrong, and the cure'),
                    ('demo', '  demo          A guided run against the portal on this machine'),
                    ('completion', '  completion    Print the completion script for a shell'),
                    ('help', '  help          Help on a command or a topic'),
                ),
            ),
        ),
        (
            'GLOBAL OPTIONS, anywhere on the line\n'
            '  --json             Answer in JSON: one array, or one object\n'
            '  --ndjson           Answer in JSON, one object a line as they come\n'
            '  --plain            Answer in tab-separated lines, as when piped\n'
            "  --fields NAMES     Only these columns, comma-separated; '' lists them\n"
            '  --profile NAME     The portal to use\n'
            '  --as WHO           The signed-in person to act as: a name or an id\n'
            '  --gp NAME          The GP, for those who have several\n'
            '  --timeout SECONDS  Limit for the network work, 30 by default\n'
            '  --no-input         Never ask; fail where a question would be needed\n'
            '  --debug            Tell each request, and where gpcli failed; no personal data\n'
            '  -h, --help         Help on a command, or on gpcli\n'
            '\n'
            'LEARN MORE\n'
            '  gpcli COMMAND --help  What a command takes, with examples\n'
            '  gpcli help TOPIC      columns, environment, exit-codes, json, keyring,\n'
            '                        options, privacy, profiles, sandbox, scripting\n'
            '  gpcli --version       The version of gpcli\n'
        ),
    ),
    'consent': (
        (
            'Your consent to Full Access.\n'
            '\n'
            'USAGE\n'
            '  gpcli consent COMMAND [OPTIONS]\n'
        ),
        (
            (
                'COMMANDS',
                (
                    ('consent show', '  show      Show what you have consented to'),
                    ('consent grant', '  grant     Consent to Full Access'),
                    ('consent withdraw', '  withdraw  Withdraw your consent; the portal deletes what it keeps'),
                ),
            ),
        ),
        (
            'LEARN MORE\n'
            '  gpcli consent COMMAND --help  What a command takes\n'
        ),
    ),
    'profile': (
        (
            'The portals that this machine knows.\n'
            '\n'
            'USAGE\n'
            '  gpcli profile COMMAND [OPTIONS]\n'
        ),
        (
            (
                'COMMANDS',
                (
                    ('profile list', '  list    List the profiles'),
                    ('profile show', '  show    Show one profile'),
                    ('profile add', '  add     Add a portal'),
                    ('profile use', '  use     Make a profile the default'),
                    ('profile remove', '  remove  Forget a portal'),
                ),
            ),
        ),
        (
            'LEARN MORE\n'
            '  gpcli profile COMMAND --help  What a command takes\n'
        ),
    ),
    'econsult': (
        (
            'E-consultations with your GP, in writing, by phone or by video.\n'
            '\n'
            'USAGE\n'
            '  gpcli econsult COMMAND [OPTIONS]\n'
        ),
        (
            (
                'COMMANDS',
                (
                    ('econsult start', '  start     Start an e-consultation with your GP'),
                    ('econsult join', '  join      Join a video consultation that the surgery has confirmed'),
                    ('econsult withdraw', '  withdraw  Withdraw an e-consultation by phone or video'),
                ),
            ),
        ),
        (
            'LEARN MORE\n'
            '  gpcli econsult COMMAND --help  What a command takes\n'
        ),
    ),
    'messages': (
        (
            'What you and the surgery have written.\n'
            '\n'
            'USAGE\n'
            '  gpcli messages COMMAND [OPTIONS]\n'
        ),
        (
            (
                'COMMANDS',
                (
                    ('messages list', '  list       List threads, unread ones first'),
                    ('messages show', '  show       Show a thread; it stays unread'),
                    ('messages reply', '  reply      Write in a thread'),
                    ('messages save', '  save       Save what is attached to a thread'),
                    ('messages mark-read', '  mark-read  Mark a thread, or single messages, as read'),
                ),
            ),
        ),
        (
            'LEARN MORE\n'
            '  gpcli messages COMMAND --help  What a command takes\n'
        ),
    ),
    'rx': (
        (
            'Your prescriptions, what is left of them, and renewing them.\n'
            '\n'
            'USAGE\n'
            '  gpcli rx COMMAND [OPTIONS]\n'
        ),
        (
            (
                'COMMANDS',
                (
                    ('rx list', '  list      List prescriptions and what is left of them'),
                    ('rx show', '  show      Show one prescription'),
                    ('rx renew', '  renew     Ask your GP to renew prescriptions'),
                    ('rx requests', '  requests  What you have asked to be renewed, and the answers'),
                    ('rx withdraw', '  withdraw  Withdraw a request that the surgery has not handled'),
                ),
            ),
        ),
        (
            'LEARN MORE\n'
            '  gpcli rx COMMAND --help  What a command takes\n'
        ),
    ),
    'appointments': (
        (
            'What is booked, what waits for the surgery, what is past.\n'
            '\n'
            'USAGE\n'
            '  gpcli appointments COMMAND [OPTIONS]\n'
        ),
        (
            (
                'COMMANDS',
                (
                    ('appointments list', '  list    List appointments'),
                    ('appointments show', '  show    Show one appointment'),
                    ('appointments export', '  export  Write coming appointments as iCalendar'),
                ),
            ),
        ),
        (
            'LEARN MORE\n'
            '  gpcli appointments COMMAND --help\n'
            '                                  What a command takes\n'
        ),
    ),
    'sandbox': (
        (
            'A GP portal on this machine, with known people.\n'
            '\n'
            'USAGE\n'
            '  gpcli sandbox COMMAND [OPTIONS]\n'
        ),
        (
            (
                'COMMANDS',
                (
                    ('sandbox run', '  run      Run a command against a portal of its own'),
                    ('sandbox serve', '  serve    Serve a portal until Ctrl-C'),
                    ('sandbox env', '  env      Print what points a shell at the served portal'),
                    ('sandbox people', '  people   List the people who can sign in'),
                    ('sandbox reset', '  reset    Make everything as it was at the start'),
                    ('sandbox advance', "  advance  Move the portal's clock forward"),
                    ('sandbox answer', '  answer   Have the surgery answer what waits, now'),
                ),
            ),
        ),
        (
            'LEARN MORE\n'
            '  gpcli sandbox COMMAND --help  What a command takes\n'
        ),
    ),
}
PAGES = {
    'login': (
        "Sign in to your GP's portal.\n"
        '\n'
        'With a PORTAL-URL, this makes a profile for the portal first. Signing in never\n'
        'replaces another person: --as chooses among those who are signed in.\n'
        '\n'
        'USAGE\n'
        '  gpcli login [PORTAL-URL] [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        "  PORTAL-URL  The portal's FHIR base\n"
        '\n'
        'OPTIONS\n'
        '  --device           Sign in on another device, with a code\n'
        '  --no-browser       Print the address instead of opening it\n'
        '  --browser CMD      The command that opens pages\n'
        '  --port N           Port for the way back\n'
        '  --hint WHO         Who signs in, for the page\n'
        '  --environment ENV  Of a new portal: production, staging or sandbox\n'
        '  --limit SECONDS    How long to wait for you (default: 600)\n'
        '\n'
        'EXAMPLES\n'
        '  # Sign in for the first time\n'
        '  gpcli login https://portal.example/fhir/R4\n'
        '\n'
        '  # Sign in again\n'
        '  gpcli login\n'
        '\n'
        '  # Sign in where there is no browser\n'
        '  gpcli login --device\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'logout': (
        'Sign out, at the portal and here.\n'
        '\n'
        'USAGE\n'
        '  gpcli logout [OPTIONS]\n'
        '\n'
        'OPTIONS\n'
        '  --all  Everybody who is signed in at this portal\n'
        '\n'
        'EXAMPLES\n'
        '  # Sign everybody out\n'
        '  gpcli logout --all\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'whoami': (
        'Who is signed in, where, and for how long.\n'
        '\n'
        'USAGE\n'
        '  gpcli whoami [OPTIONS]\n'
        '\n'
        'OPTIONS\n'
        '  --all            Everybody who is signed in, at any portal\n'
        '  --min-life TIME  Fail if unattended use ends sooner: 10m\n'
        '\n'
        'EXAMPLES\n'
        '  # Is there a session that lasts ten minutes more?\n'
        '  gpcli whoami --min-life 10m\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'consent show': (
        'Show what you have consented to.\n'
        '\n'
        'USAGE\n'
        '  gpcli consent show [OPTIONS]\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'consent grant': (
        'Consent to Full Access.\n'
        '\n'
        'USAGE\n'
        '  gpcli consent grant [OPTIONS]\n'
        '\n'
        'WHEN SENDING\n'
        '  --yes             Agree to the plan without being asked\n'
        '  --dry-run         Show the plan and send nothing\n'
        "  --accept-fee MAX  Agree to a charge up to MAX, or to 'any'\n"
        '  --request-id ID   Makes a retry the same request: done once\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'consent withdraw': (
        'Withdraw your consent; the portal deletes what it keeps.\n'
        '\n'
        "The word 'withdraw' must be typed; --confirm withdraw is that in a script.\n"
        '\n'
        'USAGE\n'
        '  gpcli consent withdraw [OPTIONS]\n'
        '\n'
        'OPTIONS\n'
        "  --confirm WORD  The word 'withdraw', for scripts\n"
        '\n'
        'WHEN SENDING\n'
        '  --yes             Agree to the plan without being asked\n'
        '  --dry-run         Show the plan and send nothing\n'
        "  --accept-fee MAX  Agree to a charge up to MAX, or to 'any'\n"
        '  --request-id ID   Makes a retry the same request: done once\n'
        '\n'
        'EXAMPLES\n'
        '  # In a script\n'
        '  gpcli consent withdraw --confirm withdraw\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'profile list': (
        'List the profiles.\n'
        '\n'
        'USAGE\n'
        '  gpcli profile list [OPTIONS]\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'profile show': (
        'Show one profile.\n'
        '\n'
        'USAGE\n'
        '  gpcli profile show [NAME] [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        '  NAME  The one in use\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'profile add': (
        'Add a portal.\n'
        '\n'
        'USAGE\n'
        '  gpcli profile add NAME PORTAL-URL [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        "  NAME        The profile's name\n"
        "  PORTAL-URL  The portal's FHIR base\n"
        '\n'
        'OPTIONS\n'
        '  --environment ENV  production, staging or sandbox (required)\n'
        '  --ca-file FILE     A certificate to trust as well\n'
        '\n'
        'EXAMPLES\n'
        '  # A portal for tests\n'
        '  gpcli profile add test https://staging.example/fhir/R4 --environment staging\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'profile use': (
        'Make a profile the default.\n'
        '\n'
        'USAGE\n'
        '  gpcli profile use NAME [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        "  NAME  The profile's name\n"
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'profile remove': (
        'Forget a portal.\n'
        '\n'
        'USAGE\n'
        '  gpcli profile remove NAME [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        "  NAME  The profile's name\n"
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'services': (
        'What your GP offers online, and what not and why.\n'
        '\n'
        'With a SERVICE, the exit code says whether it is offered: 0 if it is, 5 if not.\n'
        '\n'
        'USAGE\n'
        '  gpcli services [SERVICE] [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        '  SERVICE  Only this one; exit 5 if not offered\n'
        '\n'
        'EXAMPLES\n'
        '  # Everything\n'
        '  gpcli services\n'
        '\n'
        '  # In a script: can a time be booked?\n'
        '  if gpcli services booking; then …; fi\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'gp': (
        'Your GP and surgery: address, phone, opening hours.\n'
        '\n'
        'USAGE\n'
        '  gpcli gp [OPTIONS]\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'econsult start': (
        'Start an e-consultation with your GP.\n'
        '\n'
        'Not for emergencies. Sending it makes a charge: the plan shows what it may cost,\n'
        'and --accept-fee MAX says up to what you agree. In writing it opens a thread\n'
        '(gpcli messages); by phone or video it asks the surgery for a time (gpcli\n'
        'appointments).\n'
        '\n'
        'USAGE\n'
        '  gpcli econsult start [OPTIONS]\n'
        '\n'
        'OPTIONS\n'
        '  --via WAY              text, phone (or audio), video\n'
        '  --subject TEXT         What it is about, in one line\n'
        '  --message-file FILE    The file with the message; - is standard input\n'
        '  --message TEXT         The message; others on this machine may see it\n'
        '  --attach FILE          A file to send; repeatable\n'
        '  --can-wait             It can wait for an answer; --yes says so too\n'
        '  --another              Even if one is under way, or begun with this subject\n'
        '  --from DAY             First day: 2026-12-01, today, +7d\n'
        '  --to DAY               Last day, inclusive; 28 days by default\n'
        '  --between HH:MM-HH:MM  Hours, such as 08:00-10:00\n'
        '  --weekday DAYS         mon, tue …; repeatable or comma-separated\n'
        '\n'
        'WHEN SENDING\n'
        '  --yes             Agree to the plan without being asked\n'
        '  --dry-run         Show the plan and send nothing\n'
        "  --accept-fee MAX  Agree to a charge up to MAX, or to 'any'\n"
        '  --request-id ID   Makes a retry the same request: done once\n'
        '\n'
        'EXAMPLES\n'
        '  # In writing\n'
        '  gpcli econsult start --via text --subject Rash\n'
        '\n'
        '  # In a script\n'
        '  gpcli econsult start --via text --subject Rash --message-file rash.txt --yes --accept-fee 400\n'
        '\n'
        '  # By video, some time next week\n'
        '  gpcli econsult start --via video --to +7d\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'econsult join': (
        'Join a video consultation that the surgery has confirmed.\n'
        '\n'
        'USAGE\n'
        '  gpcli econsult join [ID] [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        "  ID  An appointment's id\n"
        '\n'
        'OPTIONS\n'
        '  --no-browser   Only print the link\n'
        '  --browser CMD  The command that opens the link\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'econsult withdraw': (
        'Withdraw an e-consultation by phone or video.\n'
        '\n'
        'USAGE\n'
        '  gpcli econsult withdraw [ID] [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        "  ID  An appointment's id\n"
        '\n'
        'WHEN SENDING\n'
        '  --yes             Agree to the plan without being asked\n'
        '  --dry-run         Show the plan and send nothing\n'
        "  --accept-fee MAX  Agree to a charge up to MAX, or to 'any'\n"
        '  --request-id ID   Makes a retry the same request: done once\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'contact': (
        "Write to the surgery's reception about administrative matters.\n"
        '\n'
        'The reception answers; it gives no health care. Medical questions may be passed\n'
        'on to the doctor and charged as an e-consultation.\n'
        '\n'
        'USAGE\n'
        '  gpcli contact [OPTIONS]\n'
        '\n'
        'OPTIONS\n'
        '  --subject TEXT       What it is about, in one line\n'
        '  --message-file FILE  The file with the message; - is standard input\n'
        '  --message TEXT       The message; others on this machine may see it\n'
        '  --attach FILE        A file to send; repeatable\n'
        '  --can-wait           It can wait for an answer; --yes says so too\n'
        '\n'
        'WHEN SENDING\n'
        '  --yes             Agree to the plan without being asked\n'
        '  --dry-run         Show the plan and send nothing\n'
        "  --accept-fee MAX  Agree to a charge up to MAX, or to 'any'\n"
        '  --request-id ID   Makes a retry the same request: done once\n'
        '\n'
        'EXAMPLES\n'
        '  # Write in your editor\n'
        "  gpcli contact --subject 'Ramp at the entrance'\n"
        '\n'
        '  # From a file\n'
        '  gpcli contact --subject Parking --message-file question.txt --yes\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'messages list': (
        'List threads, unread ones first.\n'
        '\n'
        'USAGE\n'
        '  gpcli messages list [OPTIONS]\n'
        '\n'
        'OPTIONS\n'
        '  --unread     Only those with something unread\n'
        '  --count      Print only how many, a number in every format\n'
        '  --kind KIND  e-consultation or administrative\n'
        '  --from DAY   With a message on this day or later\n'
        "  --with NAME  Part of the doctor's or surgery's name\n"
        '  --limit N    At most so many\n'
        '\n'
        'EXAMPLES\n'
        '  # How many are unread?\n'
        '  gpcli messages list --unread --count\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'messages show': (
        'Show a thread; it stays unread.\n'
        '\n'
        'USAGE\n'
        '  gpcli messages show [THREAD] [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        "  THREAD  A thread's id\n"
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'messages reply': (
        'Write in a thread.\n'
        '\n'
        'USAGE\n'
        '  gpcli messages reply [THREAD] [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        "  THREAD  A thread's id\n"
        '\n'
        'OPTIONS\n'
        '  --message-file FILE  The file with the message; - is standard input\n'
        '  --message TEXT       The message; others on this machine may see it\n'
        '  --attach FILE        A file to send; repeatable\n'
        '\n'
        'WHEN SENDING\n'
        '  --yes             Agree to the plan without being asked\n'
        '  --dry-run         Show the plan and send nothing\n'
        "  --accept-fee MAX  Agree to a charge up to MAX, or to 'any'\n"
        '  --request-id ID   Makes a retry the same request: done once\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'messages save': (
        'Save what is attached to a thread.\n'
        '\n'
        'USAGE\n'
        '  gpcli messages save [THREAD] [ATTACHMENT...] [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        "  THREAD         A thread's id\n"
        "  ATTACHMENT...  Attachments' ids; all without any\n"
        '\n'
        'OPTIONS\n'
        '  --to DIR  Where to; this directory by default (default: .)\n'
        '  --yes     Replace files of the same name\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'messages mark-read': (
        'Mark a thread, or single messages, as read.\n'
        '\n'
        'USAGE\n'
        '  gpcli messages mark-read [ID...] [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        '  ID...  Threads, or only some messages, by their ids\n'
        '\n'
        'OPTIONS\n'
        '  --all  All that is unread\n'
        '\n'
        'WHEN SENDING\n'
        '  --yes             Agree to the plan without being asked\n'
        '  --dry-run         Show the plan and send nothing\n'
        "  --accept-fee MAX  Agree to a charge up to MAX, or to 'any'\n"
        '  --request-id ID   Makes a retry the same request: done once\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'rx list': (
        'List prescriptions and what is left of them.\n'
        '\n'
        'What runs out: something was handed out of it, and it can be fetched once more\n'
        'at most, or ends within four weeks; or there is nothing left of it.\n'
        '\n'
        'USAGE\n'
        '  gpcli rx list [OPTIONS]\n'
        '\n'
        'OPTIONS\n'
        '  --low  Only what runs out\n'
        '  --all  Also those in use no longer, of the last 12 months\n'
        '  --kind medicine|consumable|nutrition\n'
        '         Only these\n'
        '\n'
        'EXAMPLES\n'
        '  # What runs out?\n'
        '  gpcli rx list --low\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'rx show': (
        'Show one prescription.\n'
        '\n'
        'USAGE\n'
        '  gpcli rx show [ID] [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        "  ID  A prescription's id\n"
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'rx renew': (
        'Ask your GP to renew prescriptions.\n'
        '\n'
        'Each prescription gets an answer of its own; where some can be asked for and\n'
        'some not, the exit code is 8. What is asked for already is not asked for twice,\n'
        'and one that was renewed is not renewed again by its former id. The price is the\n'
        "surgery's and shown beforehand; --accept-fee MAX refuses to send where all\n"
        'together may cost more.\n'
        '\n'
        'USAGE\n'
        '  gpcli rx renew [ID...] [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        '  ID...  Prescriptions; - reads ids, one a line\n'
        '\n'
        'OPTIONS\n'
        '  --low        What runs out; not group A or B, nor what was refused\n'
        '  --note TEXT  A few words for the surgery\n'
        '\n'
        'WHEN SENDING\n'
        '  --yes             Agree to the plan without being asked\n'
        '  --dry-run         Show the plan and send nothing\n'
        "  --accept-fee MAX  Agree to a charge up to MAX, or to 'any'\n"
        '  --request-id ID   Makes a retry the same request: done once\n'
        '\n'
        'EXAMPLES\n'
        '  # Two of them\n'
        '  gpcli rx renew rx-1 rx-2\n'
        '\n'
        '  # Whatever runs out, in a script\n'
        '  gpcli rx renew --low --yes\n'
        '\n'
        '  # From another command\n'
        '  gpcli rx list --low --plain --fields id | gpcli rx renew -\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'rx requests': (
        'What you have asked to be renewed, and the answers.\n'
        '\n'
        'USAGE\n'
        '  gpcli rx requests [OPTIONS]\n'
        '\n'
        'OPTIONS\n'
        '  --open  Only what the surgery has not settled\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'rx withdraw': (
        'Withdraw a request that the surgery has not handled.\n'
        '\n'
        'USAGE\n'
        '  gpcli rx withdraw [ID] [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        "  ID  A request's id\n"
        '\n'
        'WHEN SENDING\n'
        '  --yes             Agree to the plan without being asked\n'
        '  --dry-run         Show the plan and send nothing\n'
        "  --accept-fee MAX  Agree to a charge up to MAX, or to 'any'\n"
        '  --request-id ID   Makes a retry the same request: done once\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'slots': (
        'Free times.\n'
        '\n'
        'USAGE\n'
        '  gpcli slots [OPTIONS]\n'
        '\n'
        'OPTIONS\n'
        '  --from DAY             First day: 2026-12-01, today, +7d\n'
        '  --to DAY               Last day, inclusive; 28 days by default\n'
        '  --between HH:MM-HH:MM  Hours, such as 08:00-10:00\n'
        '  --weekday DAYS         mon, tue …; repeatable or comma-separated\n'
        "  --with NAME            Part of the doctor's or nurse's name\n"
        '  --via WAY              in-person, phone (or audio), video\n'
        '  --limit N              At most so many times\n'
        '\n'
        'EXAMPLES\n'
        '  # Monday and Tuesday mornings\n'
        '  gpcli slots --weekday mon,tue --between 08:00-11:00\n'
        '\n'
        '  # The next two weeks, as JSON\n'
        '  gpcli slots --to +14d --json\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'book': (
        'Book a time, or ask the surgery for one.\n'
        '\n'
        'A plan is shown first, and nothing is sent until you agree. Where the surgery\n'
        'must confirm, the time is not booked until it has: gpcli appointments list shows\n'
        'it.\n'
        '\n'
        'USAGE\n'
        '  gpcli book [SLOT] [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        "  SLOT  A free time's id\n"
        '\n'
        'OPTIONS\n'
        '  --first                Take the first time that fits\n'
        '  --enquiry              Ask the surgery for a time within the filters\n'
        '  --reason TEXT          What it is about, for the surgery\n'
        '  --another              Even with a coming booking for the same\n'
        '  --from DAY             First day: 2026-12-01, today, +7d\n'
        '  --to DAY               Last day, inclusive; 28 days by default\n'
        '  --between HH:MM-HH:MM  Hours, such as 08:00-10:00\n'
        '  --weekday DAYS         mon, tue …; repeatable or comma-separated\n'
        "  --with NAME            Part of the doctor's or nurse's name\n"
        '  --via WAY              in-person, phone (or audio), video\n'
        '  --notice TIME          --first takes nothing that starts sooner (default: 2h)\n'
        '\n'
        'WHEN SENDING\n'
        '  --yes             Agree to the plan without being asked\n'
        '  --dry-run         Show the plan and send nothing\n'
        "  --accept-fee MAX  Agree to a charge up to MAX, or to 'any'\n"
        '  --request-id ID   Makes a retry the same request: done once\n'
        '\n'
        'EXAMPLES\n'
        '  # Pick from a list\n'
        '  gpcli book\n'
        '\n'
        '  # The first morning time, without being asked\n'
        '  gpcli book --first --yes\n'
        '\n'
        '  # See what would be sent\n'
        '  gpcli book --first --dry-run\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'appointments list': (
        'List appointments.\n'
        '\n'
        'USAGE\n'
        '  gpcli appointments list [OPTIONS]\n'
        '\n'
        'OPTIONS\n'
        '  --past     Those of the past, newest first\n'
        '  --all      Past and coming\n'
        '  --waiting  Only what the surgery has not confirmed\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'appointments show': (
        'Show one appointment.\n'
        '\n'
        'USAGE\n'
        '  gpcli appointments show [ID] [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        "  ID  An appointment's id\n"
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'appointments export': (
        'Write coming appointments as iCalendar.\n'
        '\n'
        'A calendar that reads the file again knows what has moved and what is cancelled.\n'
        'Titles are neutral, since others may see the calendar, unless --details is\n'
        'given.\n'
        '\n'
        'USAGE\n'
        '  gpcli appointments export [OPTIONS]\n'
        '\n'
        'OPTIONS\n'
        '  --details  Also say with whom, where and how\n'
        '  --all      Past and coming\n'
        '\n'
        'EXAMPLES\n'
        '  # For your calendar\n'
        '  gpcli appointments export > gp.ics\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'cancel': (
        'Cancel a booking or an enquiry.\n'
        '\n'
        'The plan shows until when this is free, and what it costs after that.\n'
        '\n'
        'USAGE\n'
        '  gpcli cancel [ID] [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        "  ID  An appointment's id\n"
        '\n'
        'WHEN SENDING\n'
        '  --yes             Agree to the plan without being asked\n'
        '  --dry-run         Show the plan and send nothing\n'
        "  --accept-fee MAX  Agree to a charge up to MAX, or to 'any'\n"
        '  --request-id ID   Makes a retry the same request: done once\n'
        '\n'
        'EXAMPLES\n'
        '  # See until when, and what late costs\n'
        '  gpcli cancel --dry-run\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'flu': (
        'The flu vaccine: eligibility, price, free times, booking.\n'
        '\n'
        'Without a SLOT and --first nothing is booked: this shows whether you may have\n'
        'the vaccine, what it costs, and free times.\n'
        '\n'
        'USAGE\n'
        '  gpcli flu [SLOT] [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        "  SLOT  A free time's id\n"
        '\n'
        'OPTIONS\n'
        '  --first                Take the first time that fits\n'
        '  --reason TEXT          What it is about, for the surgery\n'
        '  --another              Even with a coming booking for the same\n'
        '  --from DAY             First day: 2026-12-01, today, +7d\n'
        '  --to DAY               Last day, inclusive; 28 days by default\n'
        '  --between HH:MM-HH:MM  Hours, such as 08:00-10:00\n'
        '  --weekday DAYS         mon, tue …; repeatable or comma-separated\n'
        "  --with NAME            Part of the doctor's or nurse's name\n"
        '  --limit N              At most so many times\n'
        '  --notice TIME          --first takes nothing that starts sooner (default: 2h)\n'
        '\n'
        'WHEN SENDING\n'
        '  --yes             Agree to the plan without being asked\n'
        '  --dry-run         Show the plan and send nothing\n'
        "  --accept-fee MAX  Agree to a charge up to MAX, or to 'any'\n"
        '  --request-id ID   Makes a retry the same request: done once\n'
        '\n'
        'EXAMPLES\n'
        '  # The first time that suits\n'
        '  gpcli flu --first --weekday fri\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'sandbox run': (
        'Run a command against a portal of its own.\n'
        '\n'
        'USAGE\n'
        '  gpcli sandbox run [OPTIONS] -- CMD…\n'
        '\n'
        'ARGUMENTS\n'
        '  CMD…  The command and its arguments\n'
        '\n'
        'OPTIONS\n'
        '  --as PERSON    Who is signed in: gpcli sandbox people (default: ada)\n'
        '  --for CHILD    Whom the person acts for\n'
        "  --clock TIME   The portal's present at the start\n"
        '  --delay TIME   How long the surgery takes to answer (default: 0s)\n'
        '  --people FILE  A FHIR Bundle of other people\n'
        '  --seed N       Makes the ids of new records repeat\n'
        '  --booking WAY  How times are taken: post, operation or transaction (default:\n'
        '                 post)\n'
        '\n'
        'EXAMPLES\n'
        '  # As Ada\n'
        '  gpcli sandbox run --as ada -- gpcli services\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --gp --timeout --no-input --debug\n'
        '  (gpcli help options)\n'
    ),
    'sandbox serve': (
        'Serve a portal until Ctrl-C.\n'
        '\n'
        'USAGE\n'
        '  gpcli sandbox serve [OPTIONS]\n'
        '\n'
        'OPTIONS\n'
        '  --port N        0 = any free one\n'
        '  --auto-sign-in  The page answers at once for login --hint WHO\n'
        "  --clock TIME    The portal's present at the start\n"
        '  --delay TIME    How long the surgery takes to answer (default: 20s)\n'
        '  --people FILE   A FHIR Bundle of other people\n'
        '  --seed N        Makes the ids of new records repeat\n'
        '  --booking WAY   How times are taken: post, operation or transaction (default:\n'
        '                  post)\n'
        '  --machine FILE  The key (JWK) of a machine to let in\n'
        "  --state DIR     Keep the portal's state here\n"
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'sandbox env': (
        'Print what points a shell at the served portal.\n'
        '\n'
        'USAGE\n'
        '  gpcli sandbox env PERSON [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        '  PERSON  gpcli sandbox people\n'
        '\n'
        'OPTIONS\n'
        '  --as CHILD     Whom the person acts for\n'
        '  --shell SHELL  bash, fish, powershell or github (default: bash)\n'
        '\n'
        'EXAMPLES\n'
        '  # In this shell\n'
        '  eval "$(gpcli sandbox env ada)"\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --gp --timeout --no-input --debug\n'
        '  (gpcli help options)\n'
    ),
    'sandbox people': (
        'List the people who can sign in.\n'
        '\n'
        'USAGE\n'
        '  gpcli sandbox people [OPTIONS]\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'sandbox reset': (
        'Make everything as it was at the start.\n'
        '\n'
        'USAGE\n'
        '  gpcli sandbox reset [OPTIONS]\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'sandbox advance': (
        "Move the portal's clock forward.\n"
        '\n'
        'USAGE\n'
        '  gpcli sandbox advance TIME [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        '  TIME  10m, 2h or 1d\n'
        '\n'
        'EXAMPLES\n'
        '  # By a day\n'
        '  gpcli sandbox advance 1d\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'sandbox answer': (
        'Have the surgery answer what waits, now.\n'
        '\n'
        'USAGE\n'
        '  gpcli sandbox answer [ID] [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        '  ID  What to answer; else all that waits\n'
        '\n'
        'OPTIONS\n'
        '  --decline    Say no: declined, rejected, not renewed\n'
        "  --text TEXT  The surgery's words\n"
        '\n'
        'EXAMPLES\n'
        '  # Say no to one\n'
        '  gpcli sandbox answer t-4k2m --decline\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'troubleshoot': (
        'What is wrong, and the cure.\n'
        '\n'
        'Looks at variables, configuration, keyring, browser, the way to the portal, the\n'
        'portal, the sign-in and what it allows, in this order. It asks nothing, opens\n'
        'nothing and changes nothing; a session that is due is renewed, as by every\n'
        'command. What it says names nobody and can be pasted into a report.\n'
        '\n'
        'Each check is ok, warning, failed or skipped. The exit code is 0 unless one\n'
        "failed, then that of the first one's cause; the answer is on stdout all the\n"
        "same. Causes are the words of gpcli help exit-codes, and: clock (this computer's\n"
        "is wrong), no_browser (no page can open), no_refresh (the session can't be\n"
        'renewed), not_supported (the portal lacks something).\n'
        '\n'
        'USAGE\n'
        '  gpcli troubleshoot [OPTIONS]\n'
        '\n'
        'EXAMPLES\n'
        '  # What failed, for a script\n'
        '  gpcli troubleshoot --plain --fields name,status\n'
        '\n'
        '  # For a report\n'
        '  gpcli troubleshoot --json > report.json\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'demo': (
        'A guided run against the portal on this machine.\n'
        '\n'
        'USAGE\n'
        '  gpcli demo [OPTIONS]\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'completion': (
        'Print the completion script for a shell.\n'
        '\n'
        'USAGE\n'
        '  gpcli completion SHELL [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        '  SHELL  One of bash, zsh, fish, powershell\n'
        '\n'
        'EXAMPLES\n'
        '  # bash, in ~/.bashrc\n'
        '  eval "$(gpcli completion bash)"\n'
        '\n'
        '  # zsh, in ~/.zshrc after compinit\n'
        '  eval "$(gpcli completion zsh)"\n'
        '\n'
        '  # fish\n'
        '  gpcli completion fish > ~/.config/fish/completions/gpcli.fish\n'
        '\n'
        '  # PowerShell, in $PROFILE\n'
        '  gpcli completion powershell | Out-String | iex\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
    'help': (
        'Help on a command or a topic.\n'
        '\n'
        'USAGE\n'
        '  gpcli help [SUBJECT...] [OPTIONS]\n'
        '\n'
        'ARGUMENTS\n'
        '  SUBJECT...  A topic or a command\n'
        '\n'
        'EXAMPLES\n'
        '  # What exit codes mean\n'
        '  gpcli help exit-codes\n'
        '\n'
        'GLOBAL OPTIONS\n'
        '  --json --ndjson --plain --fields --profile --as --gp --timeout --no-input\n'
        '  --debug (gpcli help options)\n'
    ),
}
TOPICS = {
    'columns': (
        'On a terminal, a list is a table for people; where it is too narrow, some of the\n'
        'columns are left out. Anywhere else, and with --plain, it is one record a line\n'
        'for programs.\n'
        '\n'
        'PLAIN LISTS\n'
        '  Columns are separated by one tab, without a heading; the id comes first.\n'
        '  Nothing is cut. A tab, a line end and a backslash in a value stand as \\t, \\n\n'
        '  and \\\\. Times are RFC 3339. What is not known is empty. yes and no are true\n'
        '  and false; several values are separated by commas.\n'
        '\n'
        'PLAIN SINGLE THINGS\n'
        '  One "key:<TAB>value" a line, then, if there is a longer text, a line "--" and\n'
        '  the text. messages show sets each message off by a line "--" as well. In a\n'
        '  text tabs are spaces, and a line that is "--" stands as "\\--", one that is\n'
        '  "\\--" as "\\\\--".\n'
        '\n'
        'CHOOSING COLUMNS\n'
        '  --fields id,start,channel  these columns, in this order\n'
        "  --fields ''                the names of the columns, one a line\n"
        '\n'
        '  Tables and lines have the same names. JSON has those of its keys, which for\n'
        "  some commands are others: --json --fields '' lists them.\n"
        '\n'
        '  Within a major version a plain list gets new columns only at the end.\n'
    ),
    'environment': (
        'An option wins over a variable, a variable over the profile. A name that is set\n'
        'to nothing is an error; a switch is off if it is 0, false or empty.\n'
        '\n'
        'YOUR OWN\n'
        '  GPCLI_PROFILE           The profile to use, as --profile\n'
        '  GPCLI_AS                The person to act as, as --as\n'
        '  GPCLI_CONFIG_DIR        A directory for configuration, state and cache\n'
        '  GPCLI_NO_INPUT          Never ask, as --no-input\n'
        '  GPCLI_SHOW_ALL          Show also the commands that your GP does not offer\n'
        '  GPCLI_DEBUG             Tell each request, and where gpcli failed, as --debug\n'
        '  GPCLI_ALLOW_PRODUCTION  The production profile that a CI run may touch\n'
        '\n'
        'WITHOUT CONFIGURATION OR KEYRING\n'
        "  GPCLI_PORTAL         The portal's FHIR address\n"
        '  GPCLI_ENVIRONMENT    production, staging or sandbox; production if not given\n'
        '  GPCLI_TOKEN          An access token\n'
        '  GPCLI_TOKEN_COMMAND  A command that prints one, instead; run again when one is\n'
        '                       refused\n'
        "  GPCLI_PATIENT        The patient's id at the portal; with key_file in the\n"
        '                       profile too\n'
        "  GPCLI_CLOCK_OFFSET   Seconds that a sandbox's clock is ahead; for sandboxes\n"
        '                       alone\n'
        '  GPCLI_FHIR_USER      Who acts for the patient, such as RelatedPerson/7\n'
        '\n'
        "EVERYBODY'S\n"
        '  NO_COLOR                     No colour\n'
        '  FORCE_COLOR, CLICOLOR_FORCE  Colour also where there is no terminal\n'
        '  TERM                         No colour if it is dumb\n'
        '  COLUMNS                      The width of tables\n'
        '  BROWSER                      The browser that login and econsult join open\n'
        '  VISUAL, EDITOR               Where you write a message\n'
        '  XDG_CONFIG_HOME              Where configuration is kept; XDG_STATE_HOME and\n'
        '                               XDG_CACHE_HOME alike\n'
        '  HTTPS_PROXY, NO_PROXY        The way to the portal\n'
        "  SSL_CERT_FILE, _DIR          Certificates to trust instead of the system's\n"
        "  LC_ALL                       The terminal's characters\n"
        '  CI                           If true, never ask, and keep away from production\n'
    ),
    'exit-codes': (
        'gpcli ends with one of these exit codes. With --json or --ndjson, the last line\n'
        'on stderr says more: {"error": {"code": ...}}, a word of those in brackets.\n'
        '\n'
        'EXIT CODES\n'
        '    0  Done. An empty list is OK, and so is what was already done.\n'
        "    1  The portal answers nonsense, its certificate can't be trusted, or the\n"
        '       answer could not be written. [failure, bad_response, tls]\n'
        '    2  Options, arguments or configuration are wrong, or a value is needed and\n'
        '       there is nobody to ask. Nothing was sent. [usage, input_needed, config]\n'
        '    3  There is no such id, profile, person or file, or no time that fits.\n'
        '       [not_found, no_slot]\n'
        '    4  Nobody is signed in, the session is over, sign-in was refused, there is\n'
        '       no keyring, a token command failed, or the session belongs to another\n'
        '       host. [not_signed_in, expired, sign_in_refused, no_keyring, no_token,\n'
        '       wrong_host]\n'
        '    5  The GP does not offer it, or not now; consent or permission is missing;\n'
        '       or a CI run would touch production. [not_offered, off_for_now,\n'
        '       consent_needed, not_permitted, production_guard]\n'
        "    6  The portal can't be reached or can't answer now. Later may work.\n"
        '       [unreachable, timeout, rate_limited, portal_error]\n'
        '    7  The portal understood and said no, or it would repeat or contradict\n'
        '       something. [slot_taken, too_late, already_booked, already_answered,\n'
        '       rejected, conflict]\n'
        '    8  Some of it worked and is on stdout, the rest did not. [partial]\n'
        '    9  Somebody said no, or --yes or --accept-fee was needed. [declined,\n'
        '       confirmation_needed, fee_not_accepted]\n'
        '   10  A request went out and no answer came: it may or may not have been done.\n'
        '       [outcome_unknown]\n'
        '   70  A fault of gpcli itself. [unexpected]\n'
        '  130  Ctrl-C.\n'
        '  141  Whoever read the answer stopped reading.\n'
        '  143  SIGTERM.\n'
    ),
    'json': (
        '--json answers with one array for a list and one object for a single thing: by\n'
        'command, never by how many there are. --ndjson writes one object a line, as they\n'
        'come. gp, services and rx renew always answer with an array. messages list\n'
        '--count is a bare number in every format.\n'
        '\n'
        'WHAT STAYS\n'
        '  Keys are in snake_case, and all of them are always there; what is not known is\n'
        '  null. Ids are strings. Words such as a status are in lower case; one that is\n'
        '  new to gpcli stands as the portal wrote it.\n'
        '  Times are RFC 3339 with the portal\'s offset; "zone" beside them is the\n'
        '  surgery\'s. A date that the record knows only in part stays so: "2027-05".\n'
        '  Amounts are strings with the record\'s own digits: "5.20".\n'
        '  Within a major version keys are added, never changed or taken away.\n'
        '\n'
        'SCHEMAS\n'
        "  gpcli help json COMMAND prints the JSON Schema of a command's answer, for\n"
        '  example: gpcli help json slots\n'
        '\n'
        'ONLY SOME KEYS\n'
        "  --fields id,start keeps these keys, in this order; --fields '' lists them.\n"
        '  Some columns of a table stand inside an object here: take the whole object.\n'
        '\n'
        'COMMANDS THAT SEND\n'
        '  Their object has "changed" (false if it was already so), "status",\n'
        '  "request_id", "dry_run", "patient" and "acting_user".\n'
        '\n'
        'STDERR\n'
        '  Each line is an object: {"notice": ...}, {"warning": ...}, {"progress": ...};\n'
        '  what is about to be sent:\n'
        '\n'
        '    {"plan": {"action": "Cancel this booking", "environment": "production",\n'
        '              "rows": [{"label": "When", "value": "..."}], "warnings": []}}\n'
        '\n'
        '  and last, if the command failed:\n'
        '\n'
        '    {"error": {"code": "slot_taken", "exit": 7, "message": "...", "hint": "...",\n'
        '               "request_id": null, "retry_after": null}}\n'
        '\n'
        '  Each stands on one line. After an error stdout is empty, except after exit\n'
        '  code 8, for rx renew after 10, and for troubleshoot, which answers whatever\n'
        '  failed.\n'
        '\n'
        'ARRAYS AND LINES\n'
        '  An array is complete or absent. Lines may stop early: trust the exit code.\n'
    ),
    'keyring': (
        'Your sign-in is kept in the keyring of your operating system, and nowhere else:\n'
        'never in a file. Before a sign-in page opens, gpcli makes sure that the keyring\n'
        'keeps what it is given.\n'
        '\n'
        'WHICH KEYRING\n'
        '  macOS    Keychain\n'
        '  Windows  Credential Manager\n'
        '  Linux    the Secret Service of your desktop: GNOME Keyring, KWallet\n'
        '\n'
        '  No other is used, whatever is installed. On Linux PYTHON_KEYRING_BACKEND may\n'
        '  name another: keyring.backends.libsecret.Keyring,\n'
        '  keyring.backends.kwallet.DBusKeyring or keyring_pass.PasswordStoreBackend.\n'
        '\n'
        'IT IS LOCKED\n'
        '  A desktop unlocks it when you log in with your password; not when you log in\n'
        '  by fingerprint, by an SSH key or automatically. At a terminal of the desktop\n'
        '  a window then asks for the password. Over SSH, this unlocks GNOME Keyring, or\n'
        '  makes one (in bash or zsh):\n'
        '\n'
        '  read -rs w; printf %s "$w" | gnome-keyring-daemon --replace --unlock; unset w\n'
        '\n'
        '  The line waits for your password, and shows nothing of it.\n'
        '\n'
        'THERE IS NONE\n'
        '  Where there is no session bus (su, sudo, a container), first start a shell\n'
        '  that has one:\n'
        '\n'
        '  dbus-run-session -- bash\n'
        '\n'
        '  Or keep sign-ins in pass, encrypted with your GnuPG key. keyring-pass must be\n'
        '  installed beside gpcli, and pass have a store:\n'
        '\n'
        '  pipx inject gpcli keyring-pass\n'
        '  pass init KEY-ID\n'
        '  export PYTHON_KEYRING_BACKEND=keyring_pass.PasswordStoreBackend\n'
        '\n'
        'NOBODY IS THERE\n'
        '  cron finds the keyring of somebody who is logged in. With --no-input, and\n'
        '  wherever nobody could answer, no window is opened: a locked keyring is exit\n'
        '  code 4. Machines need none: gpcli help environment.\n'
    ),
    'options': (
        'These options may stand anywhere on the line, before or after the command. Of\n'
        'two that are given, the later one wins.\n'
        '\n'
        'EVERY COMMAND\n'
        '  --json             Answer in JSON: one array, or one object\n'
        '  --ndjson           Answer in JSON, one object a line as they come\n'
        '  --plain            Answer in tab-separated lines, as when piped\n'
        "  --fields NAMES     Only these columns, comma-separated; '' lists them\n"
        '  --profile NAME     The portal to use\n'
        '  --as WHO           The signed-in person to act as: a name or an id\n'
        '  --gp NAME          The GP, for those who have several\n'
        '  --timeout SECONDS  Limit for the network work, 30 by default\n'
        '  --no-input         Never ask; fail where a question would be needed\n'
        '  --debug            Tell each request, and where gpcli failed; no personal data\n'
        '  -h, --help         Help on a command, or on gpcli\n'
        '\n'
        'COMMANDS THAT SEND\n'
        '  --yes             Agree to the plan without being asked\n'
        '  --dry-run         Show the plan and send nothing\n'
        "  --accept-fee MAX  Agree to a charge up to MAX, or to 'any'\n"
        '  --request-id ID   Makes a retry the same request: done once\n'
    ),
    'privacy': (
        'gpcli talks to your portal and to nobody else. There is no telemetry, no update\n'
        'check and no crash report.\n'
        '\n'
        'WHAT IT KEEPS ON THIS MACHINE\n'
        "  The session       in the system's keyring, never in a file\n"
        '  Configuration     your portals; no names, no health data\n'
        '  State             who is signed in (name and id at the portal), what your GP\n'
        '                    offers, and a note of each request that was sent: its kind,\n'
        '                    its time, its outcome, not what was in it\n'
        '  Read marks        where the portal does not take note of what you have read:\n'
        '                    one hash for each message, which says nothing about it\n'
        '  Drafts            what you wrote and did not send\n'
        '  Cache             what the portal says about itself, never about you\n'
        '\n'
        '  All files can be read by you alone. gpcli help environment names the variables\n'
        '  that move them. What is in your record is fetched anew each time and not kept,\n'
        '  unless you ask for a file: messages save, appointments export.\n'
        '\n'
        'WHAT YOU WRITE\n'
        '  A message that you write in an editor is in a private file until the editor\n'
        '  ends. If it is not sent (you say no, it is too long, the terminal closes), the\n'
        '  text is kept as a draft, in drafts/ beside the state, and you are told which\n'
        '  file. --message-file FILE sends it, and deletes it then. Others you delete\n'
        '  yourself. Only if gpcli is killed (kill -9) can the private file stay: in a\n'
        '  directory gpcli-... of $XDG_RUNTIME_DIR, or of the temporary directory.\n'
        '\n'
        'WHAT IT SHOWS\n'
        "  Error messages have no health data in them, except where the portal's own\n"
        '  words, with which it refuses something, have; a crash names a place in the\n'
        "  program, never a value. Text from the portal can't control your terminal.\n"
        '  The plan of what is to be sent goes to stderr. It shows how a message begins\n'
        '  at a terminal and with --dry-run; what a script sends is shown by its length.\n'
        '\n'
        'SIGNING OUT\n'
        '  gpcli logout ends the session at the portal and deletes it here.\n'
    ),
    'profiles': (
        'A profile is a portal that this machine knows. gpcli profile add makes one,\n'
        'login with an address does too. They stand in gpcli/config.toml in your\n'
        'directory for configuration, or in the GPCLI_CONFIG_DIR:\n'
        '\n'
        '  default_profile = "home"\n'
        '\n'
        '  [profiles.home]\n'
        '  portal = "https://portal.example/fhir/R4"\n'
        '  environment = "production"\n'
        '\n'
        'KEYS\n'
        '  portal          The FHIR base of the portal; required\n'
        '  environment     production, staging or sandbox; required\n'
        "  client_id       Who gpcli is to the portal, 'gpcli' unless given\n"
        '  scopes          What sign-in asks for; everything that gpcli uses unless given\n'
        '  scopes_version  1 or 2: how scopes are written; as the portal says unless\n'
        '                  given\n'
        "  redirect_port   The port of the sign-in's last page, where the portal wants a\n"
        '                  fixed one\n'
        "  prompt          What to send as prompt, such as 'consent' where offline access\n"
        '                  needs it\n'
        '  acr             The level of sign-in to ask for and to insist on\n'
        '  booking         How a time is taken: post, operation or transaction; auto\n'
        '                  unless given\n'
        '  status_sent     The status that a booking is sent with: proposed, pending or\n'
        '                  booked\n'
        '  token_command   A command that prints an access token; for machines\n'
        '  key_file        A private key (JWK, mode 0600) that signs a machine in as\n'
        '                  client_id\n'
        "  ca_file         Certificates (PEM) to trust besides the system's; relative to\n"
        '                  this file\n'
        '  timeout         Seconds for the network work of a command, 30 unless given\n'
        "  zone            The surgeries' time zone, Europe/Oslo unless given\n"
        "  emergency       A table of the numbers in safety texts: acute = '113', urgent\n"
        "                  = '116 117'\n"
        "  services        A table of other codes for services: 'system|code' = 'booking'\n"
    ),
    'sandbox': (
        'The sandbox is a GP portal on your own machine, with people who do not exist. It\n'
        "speaks what a real portal speaks, and it plays the surgery's side as well. It\n"
        "comes with: pip install 'gpcli[sandbox]'\n"
        '\n'
        'TRY IT\n'
        '  gpcli demo\n'
        '\n'
        'ONE COMMAND, OR A WHOLE SCRIPT\n'
        '  gpcli sandbox run --as ada -- gpcli services\n'
        '  gpcli sandbox run --as bo -- ./my-test.sh\n'
        '\n'
        '  This starts a portal, points gpcli at it by variables, runs the command, and\n'
        '  takes the portal away again. The exit code is that of the command. Inside\n'
        '  it, the other sandbox commands are about this portal.\n'
        '\n'
        'A PORTAL THAT STAYS\n'
        '  gpcli sandbox serve                      until Ctrl-C\n'
        '  eval "$(gpcli sandbox env ada)"          in another shell: be Ada\n'
        '  gpcli sandbox people                     who there is, and what each one shows\n'
        '  gpcli sandbox advance 1d                 move its clock\n'
        '  gpcli sandbox answer                     have the surgery answer what waits\n'
        '  gpcli sandbox reset                      begin again\n'
        '\n'
        'A MACHINE WITH A KEY\n'
        '  gpcli sandbox serve --machine night-job.jwk\n'
        '\n'
        '  lets in the client "my-machine", which signs with that key (gpcli help\n'
        '  scripting). The file may hold the private key or the public one.\n'
        '\n'
        'HOW TIMES ARE TAKEN\n'
        '  gpcli sandbox serve --booking operation\n'
        '\n'
        '  gives a portal where only Appointment/$book takes a time. With "transaction",\n'
        '  a plain POST leaves the time free until the surgery confirms it, and programs\n'
        '  take it themselves: Slot and Appointment in one transaction, as gpcli does\n'
        '  where its profile says so (gpcli help profiles). Without --booking, a POST\n'
        '  takes the time.\n'
        '\n'
        'THE SURGERY\n'
        '  It answers by itself after a while (--delay). To have it say no, write the\n'
        '  words "please decline", or use: gpcli sandbox answer ID --decline\n'
        '\n'
        'THE CLOCK AND THE TOKEN\n'
        '  What "sandbox run" and "sandbox env" set is good for 8 hours by the portal\'s\n'
        '  clock, and knows how far that clock is ahead. After a longer step, or a reset\n'
        '  of a clock that was moved: eval "$(gpcli sandbox env ada)" once more.\n'
    ),
    'scripting': (
        'What a script can rely on.\n'
        '\n'
        'IT NEVER WAITS FOR A PERSON\n'
        '  Questions are asked only if stdin and stderr are terminals, and neither\n'
        '  --no-input, GPCLI_NO_INPUT nor CI is set. Every question has an option that\n'
        '  answers it. Without it the exit code is 2, or 9 where agreement was needed,\n'
        '  and the message names the option.\n'
        '\n'
        'STDOUT IS THE ANSWER\n'
        '  All else goes to stderr. gpcli help json and gpcli help columns describe the\n'
        '  answer; gpcli help exit-codes says what the exit code means.\n'
        '\n'
        'SENDING\n'
        '  --yes agrees to the plan. Where sending costs money, --accept-fee MAX is\n'
        '  needed as well: for e-consultations, late cancelling, and what the portal\n'
        '  marks so. --yes also says that an e-consultation or a message can wait.\n'
        '  A message comes from --message-file FILE; --message-file - reads stdin.\n'
        '  --dry-run shows the plan and sends nothing.\n'
        '  --request-id ID makes a retry the same request: done once, reported twice. Use\n'
        '  an id of your own that names the errand. The same id with other content is\n'
        '  refused (exit code 7), and so is one whose booking was cancelled since.\n'
        '  Exit code 10 means that no answer came: repeat with the same --request-id, or\n'
        '  with the "request_id" that the error names. An error can also say that it was\n'
        "  sent, but that the answer can't be written; it names the request id too.\n"
        '  A portal may be unable to recognise a repeat: then gpcli only looks for ten\n'
        '  minutes (exit code 10 while it finds nothing), and sends it again after that.\n'
        '\n'
        'WHETHER THE GP OFFERS IT\n'
        '  if gpcli services booking; then gpcli book --first --yes; fi\n'
        '\n'
        'AGAINST A PORTAL FOR TESTS\n'
        '  gpcli sandbox run --as ada -- ./my-test.sh\n'
        '  With CI set, gpcli does not touch a production portal.\n'
        '\n'
        'WITHOUT A KEYRING\n'
        '  GPCLI_PORTAL, GPCLI_TOKEN and GPCLI_PATIENT need no configuration and no\n'
        '  keyring (gpcli help environment).\n'
        '\n'
        'A MACHINE THAT GETS ITS OWN TOKENS\n'
        '  Nobody signs in. GPCLI_PATIENT says for which patient; gpcli whoami shows it.\n'
        '\n'
        '  With a key (SMART Backend Services), in the profile (gpcli help profiles):\n'
        '\n'
        '    client_id = "night-job"\n'
        '    key_file = "night-job.jwk"\n'
        '\n'
        '  The file holds a private key with a "kid", as a JWK or JWK Set: EC on the\n'
        '  curve P-384 (ES384) or RSA (RS384). Only its owner may read it (chmod 600).\n'
        '  A path that is not absolute begins beside config.toml. The portal must know\n'
        '  client_id and the public key. The Python that runs gpcli makes a pair:\n'
        '\n'
        '    import json, os\n'
        '    from joserfc.jwk import ECKey\n'
        '    os.umask(0o077)\n'
        '    key = ECKey.generate_key("P-384", {"kid": "night-job-1"})\n'
        '    json.dump(key.as_dict(private=True), open("night-job.jwk", "w"))\n'
        '    json.dump(key.as_dict(private=False), open("for-the-portal.jwk", "w"))\n'
        '\n'
        '  With a command that prints a token on one line: token_command in the profile,\n'
        '  or GPCLI_TOKEN_COMMAND beside GPCLI_PORTAL. No shell runs it, its words are\n'
        '  only split as a shell would; it has 30 seconds. It runs when a token is\n'
        '  needed, and once more when the portal refuses one. Where it fails, the exit\n'
        '  code is 4 and its words are shown.\n'
        '\n'
        '  Neither kind of token is kept anywhere.\n'
    ),
}
SCRIPTS = {
    'bash': (
        '# bash completion for gpcli. In ~/.bashrc: eval "$(gpcli completion bash)"\n'
        '\n'
        '_gpcli() {\n'
        '    local current=${COMP_WORDS[COMP_CWORD]} line word\n'
        '    local -a typed=("${COMP_WORDS[@]:1:COMP_CWORD}")\n'
        '    COMPREPLY=()\n'
        '    # Quotes and backslashes belong to the shell, not to the words.\n'
        '    typed=("${typed[@]//[\\\\\\"\\\']/}")\n'
        '    [[ $current == = ]] && current=\n'
        '    while IFS= read -r line; do\n'
        '        if [[ $line == :files ]]; then\n'
        '            compopt -o filenames 2>/dev/null\n'
        '            while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current")\n'
        '            return\n'
        '        fi\n'
        '        printf -v word %q "${line%%$\'\\t\'*}"\n'
        '        COMPREPLY+=("$word")\n'
        '    done < <("${COMP_WORDS[0]}" __complete "${typed[@]}" 2>/dev/null)\n'
        '}\n'
        '\n'
        'complete -F _gpcli gpcli\n'
    ),
    'zsh': (
        '#compdef gpcli\n'
        '# zsh completion for gpcli. In ~/.zshrc, after compinit: eval "$(gpcli completion zsh)"\n'
        '# Or as a file called _gpcli in a directory of $fpath.\n'
        '\n'
        '_gpcli() {\n'
        '    local line\n'
        '    local -a described plain typed\n'
        '    typed=("${(@Q)words[2,CURRENT]}")\n'
        '    for line in "${(@f)$(${words[1]} __complete "${typed[@]}" 2>/dev/null)}"; do\n'
        '        case $line in\n'
        "            '') ;;\n"
        '            :files)\n'
        "                [[ ${words[CURRENT]} == --*=* ]] && compset -P '*='\n"
        '                _files\n'
        '                return\n'
        '                ;;\n'
        '            *$\'\\t\'*) described+=("${${line%%$\'\\t\'*}//:/\\\\:}:${line#*$\'\\t\'}") ;;\n'
        '            *) plain+=("$line") ;;\n'
        '        esac\n'
        '    done\n'
        '    (( $#described )) && _describe -V gpcli described\n'
        '    (( $#plain )) && compadd -a plain\n'
        '    (( $#described + $#plain ))\n'
        '}\n'
        '\n'
        'if [[ $funcstack[1] == _gpcli ]]; then\n'
        '    _gpcli "$@"\n'
        'else\n'
        '    compdef _gpcli gpcli\n'
        'fi\n'
    ),
    'fish': (
        '# fish completion for gpcli: gpcli completion fish > ~/.config/fish/completions/gpcli.fish\n'
        '\n'
        'function __gpcli_complete\n'
        '    set -l typed (commandline -opc) (commandline -ct)\n'
        '    set -l lines ($typed[1] __complete $typed[2..-1] 2>/dev/null)\n'
        '    if test "$lines[1]" = :files\n'
        '        set -l flag (string match -r -- \'^--[^=]+=\' "$typed[-1]")\n'
        '        for path in (__fish_complete_path (string replace -- "$flag" \'\' "$typed[-1]"))\n'
        '            echo "$flag$path"\n'
        '        end\n'
        '        return\n'
        '    end\n'
        "    printf '%s\\n' $lines\n"
        'end\n'
        '\n'
        "complete -c gpcli -f -a '(__gpcli_complete)'\n"
    ),
    'powershell': (
        '# PowerShell completion for gpcli. In $PROFILE: gpcli completion powershell | Out-String | Invoke-Expression\n'
        '\n'
        'Register-ArgumentCompleter -Native -CommandName gpcli -ScriptBlock {\n'
        '    param($wordToComplete, $commandAst, $cursorPosition)\n'
        '\n'
        '    $typed = @($commandAst.CommandElements |\n'
        '        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |\n'
        '        Select-Object -Skip 1 |\n'
        '        ForEach-Object { $_.Extent.Text.Trim(\'"\', "\'") })\n'
        '    # Windows PowerShell drops an empty argument, so it is sent in quotes.\n'
        '    $current = if ($wordToComplete) { $wordToComplete.Trim(\'"\', "\'") } else { \'""\' }\n'
        '    if ($PSVersionTable.PSVersion -ge [version]\'7.3\') { $current = $current.Trim(\'"\') }\n'
        '\n'
        '    gpcli __complete @typed $current 2>$null | ForEach-Object {\n'
        '        $word, $note = $_ -split "`t", 2\n'
        "        if ($word -eq ':files') {\n"
        '            [System.Management.Automation.CompletionCompleters]::CompleteFilename($wordToComplete)\n'
        '            return\n'
        '        }\n'
        '        if (-not $note) { $note = $word }\n'
        '        $quoted = if ($word -match \'\\s\') { "\'$($word -replace "\'", "\'\'")\'" } else { $word }\n'
        "        [System.Management.Automation.CompletionResult]::new($quoted, $word, 'ParameterValue', $note)\n"
        '    }\n'
        '}\n'
    ),
}
SUMMARIES = (
    ('login', "Sign in to your GP's portal"),
    ('logout', 'Sign out, at the portal and here'),
    ('whoami', 'Who is signed in, where, and for how long'),
    ('consent', 'Your consent to Full Access'),
    ('consent show', 'Show what you have consented to'),
    ('consent grant', 'Consent to Full Access'),
    ('consent withdraw', 'Withdraw your consent; the portal deletes what it keeps'),
    ('profile', 'The portals that this machine knows'),
    ('profile list', 'List the profiles'),
    ('profile show', 'Show one profile'),
    ('profile add', 'Add a portal'),
    ('profile use', 'Make a profile the default'),
    ('profile remove', 'Forget a portal'),
    ('services', 'What your GP offers online, and what not and why'),
    ('gp', 'Your GP and surgery: address, phone, opening hours'),
    ('econsult', 'E-consultations with your GP, in writing, by phone or by video'),
    ('econsult start', 'Start an e-consultation with your GP'),
    ('econsult join', 'Join a video consultation that the surgery has confirmed'),
    ('econsult withdraw', 'Withdraw an e-consultation by phone or video'),
    ('contact', "Write to the surgery's reception about administrative matters"),
    ('messages', 'What you and the surgery have written'),
    ('messages list', 'List threads, unread ones first'),
    ('messages show', 'Show a thread; it stays unread'),
    ('messages reply', 'Write in a thread'),
    ('messages save', 'Save what is attached to a thread'),
    ('messages mark-read', 'Mark a thread, or single messages, as read'),
    ('rx', 'Your prescriptions, what is left of them, and renewing them'),
    ('rx list', 'List prescriptions and what is left of them'),
    ('rx show', 'Show one prescription'),
    ('rx renew', 'Ask your GP to renew prescriptions'),
    ('rx requests', 'What you have asked to be renewed, and the answers'),
    ('rx withdraw', 'Withdraw a request that the surgery has not handled'),
    ('slots', 'Free times'),
    ('book', 'Book a time, or ask the surgery for one'),
    ('appointments', 'What is booked, what waits for the surgery, what is past'),
    ('appointments list', 'List appointments'),
    ('appointments show', 'Show one appointment'),
    ('appointments export', 'Write coming appointments as iCalendar'),
    ('cancel', 'Cancel a booking or an enquiry'),
    ('flu', 'The flu vaccine: eligibility, price, free times, booking'),
    ('sandbox', 'A GP portal on this machine, with known people'),
    ('sandbox run', 'Run a command against a portal of its own'),
    ('sandbox serve', 'Serve a portal until Ctrl-C'),
    ('sandbox env', 'Print what points a shell at the served portal'),
    ('sandbox people', 'List the people who can sign in'),
    ('sandbox reset', 'Make everything as it was at the start'),
    ('sandbox advance', "Move the portal's clock forward"),
    ('sandbox answer', 'Have the surgery answer what waits, now'),
    ('troubleshoot', 'What is wrong, and the cure'),
    ('demo', 'A guided run against the portal on this machine'),
    ('completion', 'Print the completion script for a shell'),
    ('help', 'Help on a command or a topic'),
)
STARTS = ('econsult start', 'contact', 'rx renew', 'slots', 'book', 'cancel', 'flu')
WRITES = (
    'consent grant',
    'consent withdraw',
    'econsult start',
    'econsult withdraw',
    'contact',
    'messages reply',
    'messages mark-read',
    'rx renew',
    'rx withdraw',
    'book',
    'cancel',
    'flu',
)
OPTIONS = {
    'login': (
        ('--device', None, 'Sign in on another device, with a code'),
        ('--no-browser', None, 'Print the address instead of opening it'),
        ('--browser', (), 'The command that opens pages'),
        ('--port', (), 'Port for the way back'),
        ('--hint', (), 'Who signs in, for the page'),
        (
            '--environment',
            ('production', 'staging', 'sandbox'),
            'Of a new portal: production, staging or sandbox',
        ),
        ('--limit', (), 'How long to wait for you'),
    ),
    'logout': (('--all', None, 'Everybody who is signed in at this portal'),),
    'whoami': (
        ('--all', None, 'Everybody who is signed in, at any portal'),
        ('--min-life', (), 'Fail if unattended use ends sooner: 10m'),
    ),
    'consent show': (),
    'consent grant': (),
    'consent withdraw': (('--confirm', ('withdraw',), "The word 'withdraw', for scripts"),),
    'profile list': (),
    'profile show': (),
    'profile add': (
        ('--environment', ('production', 'staging', 'sandbox'), 'production, staging or sandbox'),
        ('--ca-file', (':files',), 'A certificate to trust as well'),
    ),
    'profile use': (),
    'profile remove': (),
    'services': (),
    'gp': (),
    'econsult start': (
        ('--via', ('text', 'phone', 'video'), 'text, phone (or audio), video'),
        ('--subject', (), 'What it is about, in one line'),
        ('--message-file', (':files',), 'The file with the message; - is standard input'),
        ('--message', (), 'The message; others on this machine may see it'),
        ('--attach', (':files',), 'A file to send; repeatable'),
        ('--can-wait', None, 'It can wait for an answer; --yes says so too'),
        ('--another', None, 'Even if one is under way, or begun with this subject'),
        ('--from', ('today', 'tomorrow', '+7d', '+14d', '+28d'), 'First day: 2026-12-01, today, +7d'),
        ('--to', ('today', 'tomorrow', '+7d', '+14d', '+28d'), 'Last day, inclusive; 28 days by default'),
        ('--between', (), 'Hours, such as 08:00-10:00'),
        (
            '--weekday',
            ('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'),
            'mon, tue …; repeatable or comma-separated',
        ),
    ),
    'econsult join': (
        ('--no-browser', None, 'Only print the link'),
        ('--browser', (), 'The command that opens the link'),
    ),
    'econsult withdraw': (),
    'contact': (
        ('--subject', (), 'What it is about, in one line'),
        ('--message-file', (':files',), 'The file with the message; - is standard input'),
        ('--message', (), 'The message; others on this machine may see it'),
        ('--attach', (':files',), 'A file to send; repeatable'),
        ('--can-wait', None, 'It can wait for an answer; --yes says so too'),
    ),
    'messages list': (
        ('--unread', None, 'Only those with something unread'),
        ('--count', None, 'Print only how many, a number in every format'),
        ('--kind', ('e-consultation', 'administrative'), 'e-consultation or administrative'),
        ('--from', ('today', 'tomorrow', '+7d', '+14d', '+28d'), 'With a message on this day or later'),
        ('--with', (), "Part of the doctor's or surgery's name"),
        ('--limit', (), 'At most so many'),
    ),
    'messages show': (),
    'messages reply': (
        ('--message-file', (':files',), 'The file with the message; - is standard input'),
        ('--message', (), 'The message; others on this machine may see it'),
        ('--attach', (':files',), 'A file to send; repeatable'),
    ),
    'messages save': (
        ('--to', (':files',), 'Where to; this directory by default'),
        ('--yes', None, 'Replace files of the same name'),
    ),
    'messages mark-read': (('--all', None, 'All that is unread'),),
    'rx list': (
        ('--low', None, 'Only what runs out'),
        ('--all', None, 'Also those in use no longer, of the last 12 months'),
        ('--kind', ('medicine', 'consumable', 'nutrition'), 'Only these'),
    ),
    'rx show': (),
    'rx renew': (
        ('--low', None, 'What runs out; not group A or B, nor what was refused'),
        ('--note', (), 'A few words for the surgery'),
    ),
    'rx requests': (('--open', None, 'Only what the surgery has not settled'),),
    'rx withdraw': (),
    'slots': (
        ('--from', ('today', 'tomorrow', '+7d', '+14d', '+28d'), 'First day: 2026-12-01, today, +7d'),
        ('--to', ('today', 'tomorrow', '+7d', '+14d', '+28d'), 'Last day, inclusive; 28 days by default'),
        ('--between', (), 'Hours, such as 08:00-10:00'),
        (
            '--weekday',
            ('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'),
            'mon, tue …; repeatable or comma-separated',
        ),
        ('--with', (), "Part of the doctor's or nurse's name"),
        ('--via', ('in-person', 'phone', 'video'), 'in-person, phone (or audio), video'),
        ('--limit', (), 'At most so many times'),
    ),
    'book': (
        ('--first', None, 'Take the first time that fits'),
        ('--enquiry', None, 'Ask the surgery for a time within the filters'),
        ('--reason', (), 'What it is about, for the surgery'),
        ('--another', None, 'Even with a coming booking for the same'),
        ('--from', ('today', 'tomorrow', '+7d', '+14d', '+28d'), 'First day: 2026-12-01, today, +7d'),
        ('--to', ('today', 'tomorrow', '+7d', '+14d', '+28d'), 'Last day, inclusive; 28 days by default'),
        ('--between', (), 'Hours, such as 08:00-10:00'),
        (
            '--weekday',
            ('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'),
            'mon, tue …; repeatable or comma-separated',
        ),
        ('--with', (), "Part of the doctor's or nurse's name"),
        ('--via', ('in-person', 'phone', 'video'), 'in-person, phone (or audio), video'),
        ('--notice', (), '--first takes nothing that starts sooner'),
    ),
    'appointments list': (
        ('--past', None, 'Those of the past, newest first'),
        ('--all', None, 'Past and coming'),
        ('--waiting', None, 'Only what the surgery has not confirmed'),
    ),
    'appointments show': (),
    'appointments export': (('--details', None, 'Also say with whom, where and how'), ('--all', None, 'Past and coming')),
    'cancel': (),
    'flu': (
        ('--first', None, 'Take the first time that fits'),
        ('--reason', (), 'What it is about, for the surgery'),
        ('--another', None, 'Even with a coming booking for the same'),
        ('--from', ('today', 'tomorrow', '+7d', '+14d', '+28d'), 'First day: 2026-12-01, today, +7d'),
        ('--to', ('today', 'tomorrow', '+7d', '+14d', '+28d'), 'Last day, inclusive; 28 days by default'),
        ('--between', (), 'Hours, such as 08:00-10:00'),
        (
            '--weekday',
            ('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'),
            'mon, tue …; repeatable or comma-separated',
        ),
        ('--with', (), "Part of the doctor's or nurse's name"),
        ('--limit', (), 'At most so many times'),
        ('--notice', (), '--first takes nothing that starts sooner'),
    ),
    'sandbox run': (
        (
            '--as',
            ('ada', 'bo', 'cecilie', 'david', 'eva', 'finn', 'guro', 'hans'),
            'Who is signed in: gpcli sandbox people',
        ),
        ('--for', ('emil',), 'Whom the person acts for'),
        ('--clock', (), "The portal's present at the start"),
        ('--delay', (), 'How long the surgery takes to answer'),
        ('--people', (':files',), 'A FHIR Bundle of other people'),
        ('--seed', (), 'Makes the ids of new records repeat'),
        (
            '--booking',
            ('post', 'operation', 'transaction'),
            'How times are taken: post, operation or transaction',
        ),
    ),
    'sandbox serve': (
        ('--port', (), '0 = any free one'),
        ('--auto-sign-in', None, 'The page answers at once for login --hint WHO'),
        ('--clock', (), "The portal's present at the start"),
        ('--delay', (), 'How long the surgery takes to answer'),
        ('--people', (':files',), 'A FHIR Bundle of other people'),
        ('--seed', (), 'Makes the ids of new records repeat'),
        (
            '--booking',
            ('post', 'operation', 'transaction'),
            'How times are taken: post, operation or transaction',
        ),
        ('--machine', (':files',), 'The key (JWK) of a machine to let in'),
        ('--state', (':files',), "Keep the portal's state here"),
    ),
    'sandbox env': (
        ('--as', ('emil',), 'Whom the person acts for'),
        ('--shell', ('bash', 'fish', 'powershell', 'github'), 'bash, fish, powershell or github'),
    ),
    'sandbox people': (),
    'sandbox reset': (),
    'sandbox advance': (),
    'sandbox answer': (
        ('--decline', None, 'Say no: declined, rejected, not renewed'),
        ('--text', (), "The surgery's words"),
    ),
    'troubleshoot': (),
    'demo': (),
    'completion': (),
    'help': (),
}
ARGUMENTS = {
    'login': ((),),
    'logout': (),
    'whoami': (),
    'consent show': (),
    'consent grant': (),
    'consent withdraw': (),
    'profile list': (),
    'profile show': ((':profiles',),),
    'profile add': ((), ()),
    'profile use': ((':profiles',),),
    'profile remove': ((':profiles',),),
    'services': (
        (
            'e-consultation',
            'contact',
            'prescription-renewal',
            'booking',
            'booking-enquiry',
            'cancellation',
            'flu-vaccination',
        ),
    ),
    'gp': (),
    'econsult start': (),
    'econsult join': ((),),
    'econsult withdraw': ((),),
    'contact': (),
    'messages list': (),
    'messages show': ((),),
    'messages reply': ((),),
    'messages save': ((), ()),
    'messages mark-read': ((),),
    'rx list': (),
    'rx show': ((),),
    'rx renew': ((),),
    'rx requests': (),
    'rx withdraw': ((),),
    'slots': (),
    'book': ((),),
    'appointments list': (),
    'appointments show': ((),),
    'appointments export': (),
    'cancel': ((),),
    'flu': ((),),
    'sandbox run': ((),),
    'sandbox serve': (),
    'sandbox env': (('ada', 'bo', 'cecilie', 'david', 'eva', 'finn', 'guro', 'hans'),),
    'sandbox people': (),
    'sandbox reset': (),
    'sandbox advance': ((),),
    'sandbox answer': ((),),
    'troubleshoot': (),
    'demo': (),
    'completion': (('bash', 'zsh', 'fish', 'powershell'),),
    'help': (
        (
            'columns',
            'environment',
            'exit-codes',
            'json',
            'keyring',
            'options',
            'privacy',
            'profiles',
            'sandbox',
            'scripting',
        ),
    ),
}
GLOBAL = (
    ('--json', None, 'Answer in JSON: one array, or one object'),
    ('--ndjson', None, 'Answer in JSON, one object a line as they come'),
    ('--plain', None, 'Answer in tab-separated lines, as when piped'),
    ('--fields', (), "Only these columns, comma-separated; '' lists them"),
    ('--profile', (':profiles',), 'The portal to use'),
    ('--as', (':people',), 'The signed-in person to act as: a name or an id'),
    ('--gp', (), 'The GP, for those who have several'),
    ('--timeout', (), 'Limit for the network work, 30 by default'),
    ('--no-input', None, 'Never ask; fail where a question would be needed'),
    ('--debug', None, 'Tell each request, and where gpcli failed; no personal data'),
)
WRITE = (
    ('--yes', None, 'Agree to the plan without being asked'),
    ('--dry-run', None, 'Show the plan and send nothing'),
    ('--accept-fee', ('any',), "Agree to a charge up to MAX, or to 'any'"),
    ('--request-id', (), 'Makes a retry the same request: done once'),
)
