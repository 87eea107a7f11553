# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_xenclock_global_optspecs
    string join \n v N/dry-run f/force t T backend= tsc-tolerance= records= h/help V/version
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
complete -c xenclock -n "__fish_xenclock_needs_command" -l tsc-tolerance -d 'How far a guest\'s TSC may be off the frequency of its birth, so that it is native after a move to a host of another frequency: 0 (off) to 250 parts per million. For guests whose clock_tsc_tolerance says nothing else; it may also stand in the environment, or in /etc/default/xenclock, as XENCLOCK_TSC_TOLERANCE' -r
complete -c xenclock -n "__fish_xenclock_needs_command" -l records -d 'Where clocks are kept; /var/lib/xenclock, and with mock:FILE in FILE.clocks' -r -F
complete -c xenclock -n "__fish_xenclock_needs_command" -s v -d 'Say more; each step of what is done'
complete -c xenclock -n "__fish_xenclock_needs_command" -s N -l dry-run -d 'Dry run: say what would be done, and do nothing'
complete -c xenclock -n "__fish_xenclock_needs_command" -s f -l force -d 'Do what is refused otherwise: change the TSC of a guest that has run, move a guest whose clock then goes wrong'
complete -c xenclock -n "__fish_xenclock_needs_command" -s t -d 'Write progress over itself, as on a terminal'
complete -c xenclock -n "__fish_xenclock_needs_command" -s T -d 'Put the time and the process\'s number in front of each message'
complete -c xenclock -n "__fish_xenclock_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xenclock -n "__fish_xenclock_needs_command" -s V -l version -d 'Print version'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "create" -d 'Start a domain from its XML or xl.cfg, with the clock that the file means'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "plan" -d 'Print what create would do, step by step with the reasons, and do nothing'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "convert" -d 'Turn a domain\'s XML, an xl.cfg or libxl\'s JSON into another of them, with a word on all that Xen does otherwise'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "check" -d 'Say everything that is wrong in domain XML, xl.cfg or libxl\'s JSON, or that Xen ignores, and start nothing'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "dumpxml" -d 'A running domain as libvirt\'s domain XML, with its clock as it is now'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "edit" -d 'Change settings of an xl.cfg, or the clock of a domain XML, and keep every other byte of the file'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "clock-list" -d 'The clocks of all domains, a line each'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "clock-show" -d 'All that is known of a domain\'s clock, with the reasons'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "clock-set" -d 'Say what a guest\'s clock is to be from its next start on, or with --now at once'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "save" -d 'Suspend a guest into a file, which stock xl restores too'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "restore" -d 'Let a saved guest go on, whoever saved it: its RTC as if nothing had happened'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "migrate" -d 'Move a guest to another host, in xl\'s way: xl or xenclock may be there'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "migrate-receive" -d 'The other end of migrate'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "preflight" -d 'Say what a move to another host does to a guest\'s clock, before anything moves'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "clock-watch" -d 'Keep the clocks of all domains, whoever starts them: the service'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "host-info" -d 'What the host is, as far as clocks go'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "list" -d 'List domains, as xl list does'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "destroy" -d 'End a domain at once'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "pause" -d 'Hold a domain'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "unpause" -d 'Let a paused domain run'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "domid" -d 'Print the number of the domain of a name'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "domname" -d 'Print the name of the domain of a number'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "shutdown" -d 'Ask a guest to power off'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "mock" -d 'Play with the mock host: time, facts, guests'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "monitor" -d 'What create leaves behind for a domain'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "tsc-helper" -d 'What sets the TSC of new domains'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "man-page" -d 'Print one of the man pages, in roff'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "completion" -d 'Print a completion script for a shell'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s f -l defconfig -d 'The file. The last one counts; - is standard input' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s p -d 'Leave the guest paused before its first instruction'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s c -d 'Show the guest\'s console here, as xl does'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s V -l vncviewer -d 'Show the guest\'s screen in a VNC viewer, as xl does'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s A -l vncviewer-autopass -d 'As -V, and tell the viewer the password'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s F -d 'Stay in the foreground until the domain\'s end'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s e -d 'Leave no monitor behind: nobody then starts the guest again when it reboots'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s q -l quiet -d 'Print nothing but errors'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s d -d 'Print the configuration as JSON, and each step, to standard error'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s n -l dryrun -d 'Print the configuration as JSON, and start nothing, as with the global -N'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s i -l ignore-global-affinity-masks -d 'Ignore vm.cpumask, vm.hvm.cpumask and vm.pv.cpumask of xl.conf'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -l json -d 'Print the result as JSON; with -n the plan, as xenclock plan --json does'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -l wrapper -d 'Have the guest started by the device-model wrapper: its clock can then not come too late. For HVM guests'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand plan" -s f -l defconfig -d 'The file. The last one counts; - is standard input' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand plan" -l json -d 'Print JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand plan" -s q -l quiet -d 'Print no findings'
complete -c xenclock -n "__fish_xenclock_using_subcommand plan" -l wrapper -d 'Have the guest started by the device-model wrapper: its clock can then not come too late. For HVM guests'
complete -c xenclock -n "__fish_xenclock_using_subcommand plan" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l to -d 'What to write' -r -f -a "xl\t''
json\t''
xml\t''"
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l diagnostics -d 'How to say what became of the input: for people (what differs; with -v everything), every node as JSON, or as SARIF 2.1.0' -r -f -a "human\t''
json\t''
sarif\t''"
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l from -d 'What the input is; guessed from its content when not given' -r -f -a "xml\t''
xl\t''
json\t''"
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l now -d 'The time to take for now, as in 2026-07-01T12:00:00Z' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l host-timezone -d 'The zone to take for the host\'s, as in Europe/Berlin' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l xen -d 'The Xen that it is for, as in 4.17: newer keys are not written [default: the host\'s, or the newest known]' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l map -d 'What is here in the place of a network, a pool or another name: KIND:FROM=TO, as in network:default=xenbr0, path:/var/lib/libvirt/images=/dev/vg, bridge:br0=xenbr0, pool:vms=/srv/vms, volume:vms/a.img=/dev/vg/a, interface:eth0=xenbr0, or mac:new. May be given again' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l map-file -d 'A file of such rules, one a line. May be given again' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l check-host -d 'Also say what this dom0 lacks for a guest: bridges, disks, firmware, QEMU, PCI devices. With a value, look below that directory as if it were the root of a dom0' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l accept -d 'With --strict, let these losses pass: lines CODE NODE = REASON, below [FILE] for some files only' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l write-accept -d 'Write a first version of such a file: everything that differs now' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l report -d 'Write a report on all inputs: a page (.html), JSON (.json) or SARIF (.sarif), as the file\'s name ends' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -s o -l output -d 'Write to this file instead of standard output; or, of a directory or several inputs, a file each to this directory' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l comments -d 'Keep the input\'s comments, at the head of what is written; JSON has no place for them'
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l strict -d 'Fail, and write nothing, unless everything means the same on Xen or changes nothing'
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l wrapper -d 'Have the guest started by the device-model wrapper: its clock can then not come too late. For HVM guests'
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -l from -d 'What the input is; guessed from its content when not given' -r -f -a "xml\t''
xl\t''
json\t''"
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -l now -d 'The time to take for now, as in 2026-07-01T12:00:00Z' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -l host-timezone -d 'The zone to take for the host\'s, as in Europe/Berlin' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -l xen -d 'The Xen that it is for, as in 4.17: newer keys are not written [default: the host\'s, or the newest known]' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -l map -d 'What is here in the place of a network, a pool or another name: KIND:FROM=TO, as in network:default=xenbr0, path:/var/lib/libvirt/images=/dev/vg, bridge:br0=xenbr0, pool:vms=/srv/vms, volume:vms/a.img=/dev/vg/a, interface:eth0=xenbr0, or mac:new. May be given again' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -l map-file -d 'A file of such rules, one a line. May be given again' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -l check-host -d 'Also say what this dom0 lacks for a guest: bridges, disks, firmware, QEMU, PCI devices. With a value, look below that directory as if it were the root of a dom0' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -l json -d 'Print what was found as JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -l sarif -d 'Print what was found as SARIF 2.1.0, for editors, code hosts and CI systems'
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -s q -l quiet -d 'Print only files with errors or differences, and no summary'
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand dumpxml" -l inactive -d 'The clock that its next start gets, in place of what it shows now, and no number of the running domain'
complete -c xenclock -n "__fish_xenclock_using_subcommand dumpxml" -l security-info -d 'Also print passwords'
complete -c xenclock -n "__fish_xenclock_using_subcommand dumpxml" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand edit" -l unset -d 'Take a key out of the file' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand edit" -s o -l output -d 'Write to this file, and leave the input as it is; - for standard output, as with -N' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand edit" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-list" -l json -d 'Print JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-list" -l prometheus -d 'Print metrics for the textfile collector of Prometheus\'s node exporter'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-list" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-show" -l json -d 'Print JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-show" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-set" -l from -d 'Take the clock from this file first: a domain XML, or an xl.cfg with its clock_ keys' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-set" -l from-save -d 'Take the offset from this save file, of xenclock or of xl: as for a disk snapshot of then that was taken back. The save of another guest takes -f' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-set" -l now -d 'Also do it now, to the guest that runs: its RTC jumps. Its TSC is left, but with -f'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-set" -l wrapper -d 'Have the guest started by the device-model wrapper: its clock can then not come too late. For HVM guests'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-set" -l json -d 'Print what is then kept as JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-set" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand save" -s c -d 'Let the guest go on afterwards'
complete -c xenclock -n "__fish_xenclock_using_subcommand save" -s p -d 'Leave the guest paused afterwards'
complete -c xenclock -n "__fish_xenclock_using_subcommand save" -s D -d 'Restore it under the same number'
complete -c xenclock -n "__fish_xenclock_using_subcommand save" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand restore" -s p -d 'Leave the guest paused'
complete -c xenclock -n "__fish_xenclock_using_subcommand restore" -s c -d 'Show the guest\'s console here, as xl does'
complete -c xenclock -n "__fish_xenclock_using_subcommand restore" -s V -l vncviewer -d 'Show the guest\'s screen in a VNC viewer, as xl does'
complete -c xenclock -n "__fish_xenclock_using_subcommand restore" -s A -l vncviewer-autopass -d 'As -V, and tell the viewer the password'
complete -c xenclock -n "__fish_xenclock_using_subcommand restore" -s F -d 'Stay in the foreground until the domain\'s end'
complete -c xenclock -n "__fish_xenclock_using_subcommand restore" -s e -d 'Leave no monitor behind: nobody then starts the guest again when it reboots'
complete -c xenclock -n "__fish_xenclock_using_subcommand restore" -s d -d 'Say more'
complete -c xenclock -n "__fish_xenclock_using_subcommand restore" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate" -s C -d 'A config to send in place of the domain\'s own: XML or an xl.cfg' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate" -s s -d 'The command that reaches the host; where it is empty, HOST is the whole command' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate" -s e -d 'Leave no monitor on the other side'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate" -s F -d 'As -e: the other side does not go to the background'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate" -s p -d 'Leave the guest paused on the other side'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate" -s D -d 'Under the same number on the other side'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate" -l debug -d 'Have the other side say more'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate" -l live -d 'Every migration is live; xl takes the word, too'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate-receive" -s F -d 'Stay in the foreground until the domain\'s end'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate-receive" -s e -d 'Leave no monitor behind: nobody then starts the guest again when it reboots'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate-receive" -s p -d 'Leave the guest paused'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate-receive" -s d -d 'Say more'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate-receive" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand preflight" -s s -d 'The command that reaches the host, as for migrate; where it is empty, HOST is the whole command that migrate takes, and its migrate-receive is replaced' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand preflight" -l pool -d 'Each guest of each file to each other host, and one TSC frequency for all hosts'
complete -c xenclock -n "__fish_xenclock_using_subcommand preflight" -l json -d 'Print JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand preflight" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-watch" -l period -d 'Seconds from one look at all RTCs to the next; what a guest does to its own shows nowhere else' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-watch" -l xml-dir -d 'A directory of domain XML; may be given again. /etc/xenclock/domains and /etc/libvirt/libxl when not given' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-watch" -l asked-only -d 'Keep only clocks that somebody has asked for; else also what other HVM guests do to their RTC'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-watch" -l once -d 'Look at everything once, and end'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-watch" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand host-info" -l json -d 'Print JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand host-info" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand list" -s l -l long -d 'Print each domain\'s number and configuration as JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand list" -s v -l verbose -d 'Print UUIDs, reasons of shutdowns and security labels'
complete -c xenclock -n "__fish_xenclock_using_subcommand list" -s Z -l context -d 'Print security labels'
complete -c xenclock -n "__fish_xenclock_using_subcommand list" -s c -l cpupool -d 'Print each domain\'s CPU pool'
complete -c xenclock -n "__fish_xenclock_using_subcommand list" -s n -l numa -d 'Print the NUMA nodes that each domain\'s memory may be on'
complete -c xenclock -n "__fish_xenclock_using_subcommand list" -l json -d 'Print what the table shows, and more, as JSON; without a DOMAIN only the guests'
complete -c xenclock -n "__fish_xenclock_using_subcommand list" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand destroy" -s f -d 'As xl\'s: permit destroying Domain-0, which this host does not do'
complete -c xenclock -n "__fish_xenclock_using_subcommand destroy" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand pause" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand unpause" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand domid" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand domname" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand shutdown" -s a -l all -d 'Shut all guests down'
complete -c xenclock -n "__fish_xenclock_using_subcommand shutdown" -s r -l reboot -d 'Ask for a reboot instead'
complete -c xenclock -n "__fish_xenclock_using_subcommand shutdown" -s w -l wait -d 'Wait until the guest has ended; given twice, until it is gone'
complete -c xenclock -n "__fish_xenclock_using_subcommand shutdown" -s F -d 'Press the power button of an HVM guest without PV drivers'
complete -c xenclock -n "__fish_xenclock_using_subcommand shutdown" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff fail help" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff fail help" -f -a "advance" -d 'Let time pass, at once'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff fail help" -f -a "set" -d 'Change facts of the host: now, timezone, cpu_khz, tsc_reliable, tsc_scaling, tsc_invariant, clock_synchronised, clock_error_us, xen_version, memory_mb'
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
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "set" -d 'Change facts of the host: now, timezone, cpu_khz, tsc_reliable, tsc_scaling, tsc_invariant, clock_synchronised, clock_error_us, xen_version, memory_mb'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "write-rtc" -d 'The guest sets its RTC: to a time as in 2026-07-01T14:00:00, or by seconds as in +20 or -3600'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "reboot" -d 'The guest reboots: on Xen that is a new domain, which takes over what is to be kept'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "poweroff" -d 'The guest powers off'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "fail" -d 'Make a call of the host fail, to see what then happens: such as set_tsc_info permission'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c xenclock -n "__fish_xenclock_using_subcommand monitor" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand tsc-helper" -l device-model -d 'The words that a device model is started with; without, orders are read from standard input' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand tsc-helper" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand man-page" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xenclock -n "__fish_xenclock_using_subcommand completion" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "create" -d 'Start a domain from its XML or xl.cfg, with the clock that the file means'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "plan" -d 'Print what create would do, step by step with the reasons, and do nothing'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "convert" -d 'Turn a domain\'s XML, an xl.cfg or libxl\'s JSON into another of them, with a word on all that Xen does otherwise'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "check" -d 'Say everything that is wrong in domain XML, xl.cfg or libxl\'s JSON, or that Xen ignores, and start nothing'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "dumpxml" -d 'A running domain as libvirt\'s domain XML, with its clock as it is now'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "edit" -d 'Change settings of an xl.cfg, or the clock of a domain XML, and keep every other byte of the file'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "clock-list" -d 'The clocks of all domains, a line each'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "clock-show" -d 'All that is known of a domain\'s clock, with the reasons'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "clock-set" -d 'Say what a guest\'s clock is to be from its next start on, or with --now at once'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "save" -d 'Suspend a guest into a file, which stock xl restores too'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "restore" -d 'Let a saved guest go on, whoever saved it: its RTC as if nothing had happened'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "migrate" -d 'Move a guest to another host, in xl\'s way: xl or xenclock may be there'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "migrate-receive" -d 'The other end of migrate'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "preflight" -d 'Say what a move to another host does to a guest\'s clock, before anything moves'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "clock-watch" -d 'Keep the clocks of all domains, whoever starts them: the service'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "host-info" -d 'What the host is, as far as clocks go'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "list" -d 'List domains, as xl list does'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "destroy" -d 'End a domain at once'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "pause" -d 'Hold a domain'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "unpause" -d 'Let a paused domain run'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "domid" -d 'Print the number of the domain of a name'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "domname" -d 'Print the name of the domain of a number'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "shutdown" -d 'Ask a guest to power off'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "mock" -d 'Play with the mock host: time, facts, guests'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "monitor" -d 'What create leaves behind for a domain'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "tsc-helper" -d 'What sets the TSC of new domains'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "man-page" -d 'Print one of the man pages, in roff'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "completion" -d 'Print a completion script for a shell'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and __fish_seen_subcommand_from mock" -f -a "advance" -d 'Let time pass, at once'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and __fish_seen_subcommand_from mock" -f -a "set" -d 'Change facts of the host: now, timezone, cpu_khz, tsc_reliable, tsc_scaling, tsc_invariant, clock_synchronised, clock_error_us, xen_version, memory_mb'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and __fish_seen_subcommand_from mock" -f -a "write-rtc" -d 'The guest sets its RTC: to a time as in 2026-07-01T14:00:00, or by seconds as in +20 or -3600'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and __fish_seen_subcommand_from mock" -f -a "reboot" -d 'The guest reboots: on Xen that is a new domain, which takes over what is to be kept'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and __fish_seen_subcommand_from mock" -f -a "poweroff" -d 'The guest powers off'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and __fish_seen_subcommand_from mock" -f -a "fail" -d 'Make a call of the host fail, to see what then happens: such as set_tsc_info permission'
