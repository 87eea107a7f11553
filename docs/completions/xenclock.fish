# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_xenclock_global_optspecs
    string join \n v N/dry-run f/force t T backend= h/help V/version
end

function __fish_xenclock_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_xenclock_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_xenclock_using_subcommand
    set -l cmd (__fish_xenclock_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c xenclock -n "__fish_xenclock_needs_command" -l backend -d 'The host: libxl, mock (in memory) or mock:FILE' -r
complete -c xenclock -n "__fish_xenclock_needs_command" -s v -d 'Say more; each step of what is done'
complete -c xenclock -n "__fish_xenclock_needs_command" -s N -l dry-run -d 'Dry run: say what would be done, and do nothing'
complete -c xenclock -n "__fish_xenclock_needs_command" -s f -l force -d 'Do what is refused otherwise: change the TSC of a guest that has run'
complete -c xenclock -n "__fish_xenclock_needs_command" -s t -d 'As xl\'s: progress by carriage returns. An xl that migrates a guest to this host may ask for it'
complete -c xenclock -n "__fish_xenclock_needs_command" -s T -d 'As xl\'s: times in messages. An xl that migrates a guest to this host may ask for them'
complete -c xenclock -n "__fish_xenclock_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xenclock -n "__fish_xenclock_needs_command" -s V -l version -d 'Print version'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "create" -d 'Start a domain from its XML or xl.cfg, with the clock that the file means'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "convert" -d 'Turn a domain\'s XML into an xl.cfg or libxl\'s JSON, with a word on all that Xen does otherwise'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "clock-list" -d 'The clocks of all domains, a line each'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "clock-show" -d 'All that is known of a domain\'s clock, with the reasons'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "clock-set" -d 'Change the clock of a domain that exists; its TSC only with -f'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "host-info" -d 'What the host is, as far as clocks go'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "list" -d 'The guests, a line each, as xl list has them; Domain-0 is left out'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "destroy" -d 'End a domain at once'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "pause" -d 'Hold a domain'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "unpause" -d 'Let a paused domain run'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "shutdown" -d 'Ask a guest to power off'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "mock" -d 'Play with the mock host: time, facts, guests'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "completion" -d 'Print a completion script for a shell'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s p -d 'Leave the guest paused before its first instruction'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s q -l quiet -d 'Say nothing but errors'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s n -l dryrun -d 'As the global -N: the plan, and nothing applied'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -l json -d 'Print the result (or the plan) as JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l from -d 'What the input is; guessed from its content when not given' -r -f -a "xml\t''"
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l to -d 'What to write' -r -f -a "xl\t''
json\t''"
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l now -d 'The time to take for now, as in 2026-07-01T12:00:00Z' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l host-timezone -d 'The zone to take for the host\'s, as in Europe/Berlin' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l diagnostics -d 'How to say what became of the input: for people (losses only), or every node as JSON' -r -f -a "human\t''
json\t''"
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -s o -l output -d 'Write to this file instead of standard output' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l strict -d 'Fail, and write nothing, unless everything means the same on Xen or changes nothing'
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-list" -l json -d 'Print JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-list" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-show" -l json -d 'Print JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-show" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-set" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand host-info" -l json -d 'Print JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand host-info" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand list" -l json -d 'Print JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand list" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand destroy" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand pause" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand unpause" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand shutdown" -s r -l reboot -d 'Ask for a reboot instead'
complete -c xenclock -n "__fish_xenclock_using_subcommand shutdown" -s w -l wait -d 'Wait until the guest has ended'
complete -c xenclock -n "__fish_xenclock_using_subcommand shutdown" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff fail help" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff fail help" -f -a "advance" -d 'Let time pass, at once'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff fail help" -f -a "set" -d 'Change facts of the host: now, timezone, cpu_khz, tsc_reliable, tsc_scaling, xen_version, memory_mb'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff fail help" -f -a "write-rtc" -d 'The guest sets its RTC: to a time as in 2026-07-01T14:00:00, or by seconds as in +20 or -3600'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff fail help" -f -a "reboot" -d 'The guest reboots: on Xen that is a new domain, which takes over what is to be kept'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff fail help" -f -a "poweroff" -d 'The guest powers off'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff fail help" -f -a "fail" -d 'Make a call of the host fail, to see what then happens: such as set_tsc_info permission'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff fail help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from advance" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from write-rtc" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from reboot" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from poweroff" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from fail" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "advance" -d 'Let time pass, at once'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "set" -d 'Change facts of the host: now, timezone, cpu_khz, tsc_reliable, tsc_scaling, xen_version, memory_mb'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "write-rtc" -d 'The guest sets its RTC: to a time as in 2026-07-01T14:00:00, or by seconds as in +20 or -3600'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "reboot" -d 'The guest reboots: on Xen that is a new domain, which takes over what is to be kept'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "poweroff" -d 'The guest powers off'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "fail" -d 'Make a call of the host fail, to see what then happens: such as set_tsc_info permission'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c xenclock -n "__fish_xenclock_using_subcommand completion" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create convert clock-list clock-show clock-set host-info list destroy pause unpause shutdown mock completion help" -f -a "create" -d 'Start a domain from its XML or xl.cfg, with the clock that the file means'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create convert clock-list clock-show clock-set host-info list destroy pause unpause shutdown mock completion help" -f -a "convert" -d 'Turn a domain\'s XML into an xl.cfg or libxl\'s JSON, with a word on all that Xen does otherwise'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create convert clock-list clock-show clock-set host-info list destroy pause unpause shutdown mock completion help" -f -a "clock-list" -d 'The clocks of all domains, a line each'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create convert clock-list clock-show clock-set host-info list destroy pause unpause shutdown mock completion help" -f -a "clock-show" -d 'All that is known of a domain\'s clock, with the reasons'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create convert clock-list clock-show clock-set host-info list destroy pause unpause shutdown mock completion help" -f -a "clock-set" -d 'Change the clock of a domain that exists; its TSC only with -f'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create convert clock-list clock-show clock-set host-info list destroy pause unpause shutdown mock completion help" -f -a "host-info" -d 'What the host is, as far as clocks go'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create convert clock-list clock-show clock-set host-info list destroy pause unpause shutdown mock completion help" -f -a "list" -d 'The guests, a line each, as xl list has them; Domain-0 is left out'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create convert clock-list clock-show clock-set host-info list destroy pause unpause shutdown mock completion help" -f -a "destroy" -d 'End a domain at once'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create convert clock-list clock-show clock-set host-info list destroy pause unpause shutdown mock completion help" -f -a "pause" -d 'Hold a domain'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create convert clock-list clock-show clock-set host-info list destroy pause unpause shutdown mock completion help" -f -a "unpause" -d 'Let a paused domain run'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create convert clock-list clock-show clock-set host-info list destroy pause unpause shutdown mock completion help" -f -a "shutdown" -d 'Ask a guest to power off'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create convert clock-list clock-show clock-set host-info list destroy pause unpause shutdown mock completion help" -f -a "mock" -d 'Play with the mock host: time, facts, guests'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create convert clock-list clock-show clock-set host-info list destroy pause unpause shutdown mock completion help" -f -a "completion" -d 'Print a completion script for a shell'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create convert clock-list clock-show clock-set host-info list destroy pause unpause shutdown mock completion help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and __fish_seen_subcommand_from mock" -f -a "advance" -d 'Let time pass, at once'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and __fish_seen_subcommand_from mock" -f -a "set" -d 'Change facts of the host: now, timezone, cpu_khz, tsc_reliable, tsc_scaling, xen_version, memory_mb'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and __fish_seen_subcommand_from mock" -f -a "write-rtc" -d 'The guest sets its RTC: to a time as in 2026-07-01T14:00:00, or by seconds as in +20 or -3600'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and __fish_seen_subcommand_from mock" -f -a "reboot" -d 'The guest reboots: on Xen that is a new domain, which takes over what is to be kept'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and __fish_seen_subcommand_from mock" -f -a "poweroff" -d 'The guest powers off'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and __fish_seen_subcommand_from mock" -f -a "fail" -d 'Make a call of the host fail, to see what then happens: such as set_tsc_info permission'
