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
complete -c xenclock -n "__fish_xenclock_needs_command" -l tsc-tolerance -d 'Run the TSC of a guest natively that arrives on this host or is restored here, if the host\'s TSC frequency differs from its initial frequency by at most this many parts per million: 0 (off) to 250. In a migration the value of the receiving host counts. A guest\'s clock_tsc_tolerance takes precedence. The default is XENCLOCK_TSC_TOLERANCE from the environment, which the service reads from /etc/default/xenclock, or 0' -r
complete -c xenclock -n "__fish_xenclock_needs_command" -l records -d 'The directory of clock records [default: /var/lib/xenclock, or FILE.clocks with mock:FILE]' -r -F
complete -c xenclock -n "__fish_xenclock_needs_command" -s v -d 'Print each step; repeat for more detail. Also accepted after a command that xl does not have'
complete -c xenclock -n "__fish_xenclock_needs_command" -s N -l dry-run -d 'Dry run: print what would be done and change nothing. Also accepted after a command that xl does not have'
complete -c xenclock -n "__fish_xenclock_needs_command" -s f -l force -d 'Do what is otherwise refused: change the TSC of a guest that has run, or move a guest to a host where its clock goes wrong, or to which Xen supports no move'
complete -c xenclock -n "__fish_xenclock_needs_command" -s t -d 'Update progress in place, as on a terminal'
complete -c xenclock -n "__fish_xenclock_needs_command" -s T -d 'Prefix each message with the time and the process ID'
complete -c xenclock -n "__fish_xenclock_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xenclock -n "__fish_xenclock_needs_command" -s V -l version -d 'Print version'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "create" -d 'Start a domain from a domain XML or an xl.cfg, with the clock that the file requests'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "plan" -d 'Print the steps of create with their reasons, and change nothing'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "convert" -d 'Convert domain XML, an xl.cfg or libxl\'s JSON into another of these, and report everything Xen does differently'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "check" -d 'Check domain XML, xl.cfg or libxl\'s JSON, and report every error and every setting that Xen ignores'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "dumpxml" -d 'Print a running domain as libvirt\'s domain XML, with its present clock'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "edit" -d 'Change settings of an xl.cfg or a domain XML, and keep every other byte of the file'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "clock-list" -d 'List the clocks of all domains'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "clock-show" -d 'Show a domain\'s clock and the reason for each value'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "clock-set" -d 'Set a guest\'s clock from its next start on, or at once with --now'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "save" -d 'Save a guest to a file, which stock xl can restore too'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "restore" -d 'Restore a saved guest with its RTC unchanged, whichever toolstack saved it'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "migrate" -d 'Migrate a guest to another host, which may run xl or xenclock'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "migrate-receive" -d 'Receive a guest; the target host of migrate runs this'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "preflight" -d 'Report the effect of a move to another host on a guest\'s clock, without moving anything'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "clock-watch" -d 'Run the service: track the clocks of all domains, whichever toolstack starts them'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "host-info" -d 'Show the host\'s clock and TSC'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "list" -d 'List domains, as xl list does'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "destroy" -d 'Destroy a domain at once'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "pause" -d 'Pause a domain'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "unpause" -d 'Unpause a domain'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "domid" -d 'Print the ID of the domain with this name'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "domname" -d 'Print the name of the domain with this ID'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "shutdown" -d 'Shut a guest down'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "mock" -d 'Control the mock host: its time, its facts, its guests'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "monitor" -d 'Monitor a domain; create starts this process'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "tsc-helper" -d 'Set the TSC of new domains, on behalf of the service'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "man-page" -d 'Print a man page, in roff'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "completion" -d 'Print a completion script for a shell'
complete -c xenclock -n "__fish_xenclock_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s f -l defconfig -d 'The file. The last one counts; - is standard input' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -l map -d 'Replace a network, a pool or another name with a local one: KIND:FROM=TO, such as network:default=xenbr0, path:/var/lib/libvirt/images=/dev/vg, bridge:br0=xenbr0, pool:vms=/srv/vms, volume:vms/a.img=/dev/vg/a, interface:eth0=xenbr0, or mac:new. May be given more than once' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -l map-file -d 'A file of such rules, one per line. May be given more than once' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s p -d 'Leave the guest paused'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s c -d 'Attach to the guest\'s console, as xl does'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s V -l vncviewer -d 'Open a VNC viewer for the guest\'s screen, as xl does'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s A -l vncviewer-autopass -d 'Open a VNC viewer and pass it the password'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s F -d 'Stay in the foreground until the domain ends'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s e -d 'Start no monitor: without one, xenclock does not restart the guest when it reboots'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s q -l quiet -d 'Print only errors'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s d -d 'Print the configuration as JSON, and each step, to standard error'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s n -l dryrun -d 'Print the configuration as JSON, and start nothing, as with the global -N'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s i -l ignore-global-affinity-masks -d 'Ignore vm.cpumask, vm.hvm.cpumask and vm.pv.cpumask of xl.conf'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -l json -d 'Print the result as JSON; with -n the plan, as xenclock plan --json does'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -l wrapper -d 'Use the device-model wrapper for this HVM guest, so that its clock is always set before it runs'
complete -c xenclock -n "__fish_xenclock_using_subcommand create" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand plan" -s f -l defconfig -d 'The file. The last one counts; - is standard input' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand plan" -l map -d 'Replace a network, a pool or another name with a local one: KIND:FROM=TO, such as network:default=xenbr0, path:/var/lib/libvirt/images=/dev/vg, bridge:br0=xenbr0, pool:vms=/srv/vms, volume:vms/a.img=/dev/vg/a, interface:eth0=xenbr0, or mac:new. May be given more than once' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand plan" -l map-file -d 'A file of such rules, one per line. May be given more than once' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand plan" -l json -d 'Print JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand plan" -s q -l quiet -d 'Print no findings'
complete -c xenclock -n "__fish_xenclock_using_subcommand plan" -l wrapper -d 'Use the device-model wrapper for this HVM guest, so that its clock is always set before it runs'
complete -c xenclock -n "__fish_xenclock_using_subcommand plan" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l to -d 'The output format' -r -f -a "xl\t''
json\t''
xml\t''"
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l diagnostics -d 'The form of the diagnostics: for people (what differs; everything with -v), every node as JSON, or SARIF 2.1.0' -r -f -a "human\t''
json\t''
sarif\t''"
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l from -d 'The input format [default: detected from the content]' -r -f -a "xml\t''
xl\t''
json\t''"
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l now -d 'Use this as the current time, such as 2026-07-01T12:00:00Z' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l host-timezone -d 'Use this as the host\'s time zone: a name such as Europe/Berlin, a POSIX rule or the path of a TZif file' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l xen -d 'The release of Xen to convert or check for, such as 4.17; convert leaves out newer keys [default: the host\'s, or the newest known]' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l map -d 'Replace a network, a pool or another name with a local one: KIND:FROM=TO, such as network:default=xenbr0, path:/var/lib/libvirt/images=/dev/vg, bridge:br0=xenbr0, pool:vms=/srv/vms, volume:vms/a.img=/dev/vg/a, interface:eth0=xenbr0, or mac:new. May be given more than once' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l map-file -d 'A file of such rules, one per line. May be given more than once' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l check-host -d 'Also report bridges, disks, firmware, QEMU and PCI devices that a guest needs and this dom0 lacks. With a value, use that directory as the root of the dom0' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l accept -d 'With --strict, accept the losses in this file: lines CODE NODE = REASON; those below a line [FILE] apply only to files of that name' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l write-accept -d 'Write a first version of such a file, with all current losses' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l report -d 'Write a report on all inputs; the extension selects HTML (.html), JSON (.json) or SARIF (.sarif)' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -s o -l output -d 'Write to this file instead of standard output; for a directory or several inputs, write one file for each input to this directory' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l comments -d 'Copy the input\'s comments to the head of the output; JSON has no comments'
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l strict -d 'Fail and write nothing unless every node is exact or without effect'
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -l wrapper -d 'Use the device-model wrapper for this HVM guest, so that its clock is always set before it runs'
complete -c xenclock -n "__fish_xenclock_using_subcommand convert" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -l from -d 'The input format [default: detected from the content]' -r -f -a "xml\t''
xl\t''
json\t''"
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -l now -d 'Use this as the current time, such as 2026-07-01T12:00:00Z' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -l host-timezone -d 'Use this as the host\'s time zone: a name such as Europe/Berlin, a POSIX rule or the path of a TZif file' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -l xen -d 'The release of Xen to convert or check for, such as 4.17; convert leaves out newer keys [default: the host\'s, or the newest known]' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -l map -d 'Replace a network, a pool or another name with a local one: KIND:FROM=TO, such as network:default=xenbr0, path:/var/lib/libvirt/images=/dev/vg, bridge:br0=xenbr0, pool:vms=/srv/vms, volume:vms/a.img=/dev/vg/a, interface:eth0=xenbr0, or mac:new. May be given more than once' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -l map-file -d 'A file of such rules, one per line. May be given more than once' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -l check-host -d 'Also report bridges, disks, firmware, QEMU and PCI devices that a guest needs and this dom0 lacks. With a value, use that directory as the root of the dom0' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -l json -d 'Print the findings as JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -l sarif -d 'Print the findings as SARIF 2.1.0, for editors, code hosts and CI systems'
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -s q -l quiet -d 'Print only files with errors or differences, and no summary'
complete -c xenclock -n "__fish_xenclock_using_subcommand check" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand dumpxml" -l inactive -d 'Print the clock as it was requested for the next start instead of the present one, and no domain ID'
complete -c xenclock -n "__fish_xenclock_using_subcommand dumpxml" -l security-info -d 'Also print passwords'
complete -c xenclock -n "__fish_xenclock_using_subcommand dumpxml" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand edit" -l unset -d 'Remove a key from the file, or a setting from the clock of a domain XML' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand edit" -s o -l output -d 'Write to this file, and leave the input unchanged; - for standard output, as with -N' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand edit" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-list" -l json -d 'Print JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-list" -l prometheus -d 'Print metrics for the textfile collector of Prometheus\'s node exporter'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-list" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-show" -l json -d 'Print JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-show" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-set" -l from -d 'Read the clock from this file first: a domain XML or an xl.cfg' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-set" -l from-save -d 'Use the offset from this save file of xenclock or xl, for example after a rollback to a disk snapshot. A save file of another guest needs -f' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-set" -l unset -d 'Take a setting back first, so that the guest has what it would have without it: --unset clock_tsc_frequency for the host\'s frequency, --unset clock_tsc_tolerance for the host\'s tolerance, --unset clock_timers for no timers; may be given more than once' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-set" -l now -d 'Also set the clock of the running guest now: its RTC jumps. Its TSC is changed only with -f'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-set" -l wrapper -d 'Use the device-model wrapper for this HVM guest, so that its clock is always set before it runs'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-set" -l json -d 'Print the resulting record as JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-set" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand save" -s c -d 'Leave the guest running'
complete -c xenclock -n "__fish_xenclock_using_subcommand save" -s p -d 'Leave the guest paused'
complete -c xenclock -n "__fish_xenclock_using_subcommand save" -s D -d 'Let a restore give the guest the same domain ID'
complete -c xenclock -n "__fish_xenclock_using_subcommand save" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand restore" -s p -d 'Leave the guest paused'
complete -c xenclock -n "__fish_xenclock_using_subcommand restore" -s c -d 'Attach to the guest\'s console, as xl does'
complete -c xenclock -n "__fish_xenclock_using_subcommand restore" -s V -l vncviewer -d 'Open a VNC viewer for the guest\'s screen, as xl does'
complete -c xenclock -n "__fish_xenclock_using_subcommand restore" -s A -l vncviewer-autopass -d 'Open a VNC viewer and pass it the password'
complete -c xenclock -n "__fish_xenclock_using_subcommand restore" -s F -d 'Stay in the foreground until the domain ends'
complete -c xenclock -n "__fish_xenclock_using_subcommand restore" -s e -d 'Start no monitor: without one, xenclock does not restart the guest when it reboots'
complete -c xenclock -n "__fish_xenclock_using_subcommand restore" -s d -d 'Print each step'
complete -c xenclock -n "__fish_xenclock_using_subcommand restore" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate" -s C -d 'Send this config (domain XML or xl.cfg) instead of the domain\'s own' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate" -s s -d 'The command that reaches the host; if it is empty, HOST is the whole command' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate" -s e -d 'Start no monitor on the target host'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate" -s F -d 'Keep the target\'s process in the foreground; like -e'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate" -s p -d 'Leave the guest paused on the target host'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate" -s D -d 'Use the same domain ID on the target host'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate" -l debug -d 'Print more on the target host'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate" -l live -d 'Accepted for compatibility with xl: every migration is live'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate-receive" -s F -d 'Stay in the foreground until the domain ends'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate-receive" -s e -d 'Start no monitor: without one, xenclock does not restart the guest when it reboots'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate-receive" -s p -d 'Leave the guest paused'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate-receive" -s d -d 'Print each step'
complete -c xenclock -n "__fish_xenclock_using_subcommand migrate-receive" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand preflight" -s s -d 'The command that reaches the host, as for migrate. If it is empty, HOST is the whole command, which is run with host-info --json in place of migrate-receive [default: ssh]' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand preflight" -l pool -d 'Compare every guest in every file with every other host, and recommend one TSC frequency for all of them'
complete -c xenclock -n "__fish_xenclock_using_subcommand preflight" -l json -d 'Print JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand preflight" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-watch" -l period -d 'Seconds between two readings of all RTCs; only a reading shows that a guest has set its RTC' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-watch" -l xml-dir -d 'A directory of domain XML; may be given more than once [default: /etc/xenclock/domains and /etc/libvirt/libxl]' -r -F
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-watch" -l asked-only -d 'Track only guests with a requested clock, not the RTCs of all HVM guests'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-watch" -l once -d 'Read all clocks once and exit'
complete -c xenclock -n "__fish_xenclock_using_subcommand clock-watch" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand host-info" -l json -d 'Print JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand host-info" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand list" -s l -l long -d 'Print each domain\'s ID and configuration as JSON'
complete -c xenclock -n "__fish_xenclock_using_subcommand list" -s v -l verbose -d 'Print UUIDs, reasons for shutdowns and security labels'
complete -c xenclock -n "__fish_xenclock_using_subcommand list" -s Z -l context -d 'Print security labels'
complete -c xenclock -n "__fish_xenclock_using_subcommand list" -s c -l cpupool -d 'Print each domain\'s CPU pool'
complete -c xenclock -n "__fish_xenclock_using_subcommand list" -s n -l numa -d 'Print the NUMA nodes that each domain\'s memory may be on'
complete -c xenclock -n "__fish_xenclock_using_subcommand list" -l json -d 'Print JSON, with more than the table shows; without a DOMAIN, only the guests'
complete -c xenclock -n "__fish_xenclock_using_subcommand list" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand destroy" -s f -d 'Accepted for compatibility with xl: Domain-0 cannot be destroyed'
complete -c xenclock -n "__fish_xenclock_using_subcommand destroy" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand pause" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand unpause" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand domid" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand domname" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand shutdown" -s a -l all -d 'Shut all guests down'
complete -c xenclock -n "__fish_xenclock_using_subcommand shutdown" -s r -l reboot -d 'Reboot the guest instead'
complete -c xenclock -n "__fish_xenclock_using_subcommand shutdown" -s w -l wait -d 'Wait until the guest has shut down; given twice, until its domain is destroyed'
complete -c xenclock -n "__fish_xenclock_using_subcommand shutdown" -s F -d 'Press the power button of an HVM guest without PV drivers'
complete -c xenclock -n "__fish_xenclock_using_subcommand shutdown" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff soft-reset fail help" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff soft-reset fail help" -f -a "advance" -d 'Advance the mock host\'s time'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff soft-reset fail help" -f -a "set" -d 'Change facts of the host: now, timezone, cpu_khz, tsc_reliable, tsc_scaling, tsc_invariant, clock_synchronised, clock_error_us, xen_version, memory_mb'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff soft-reset fail help" -f -a "write-rtc" -d 'Set the RTC as the guest does: to a time such as 2026-07-01T14:00:00, or by a number of seconds such as +20 or -3600'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff soft-reset fail help" -f -a "reboot" -d 'Reboot the guest: on Xen this creates a new domain, which takes over the tracked clock'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff soft-reset fail help" -f -a "poweroff" -d 'Power the guest off'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff soft-reset fail help" -f -a "soft-reset" -d 'Let the guest reset itself and keep its memory (kexec): its domain stays, and its clocks continue'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff soft-reset fail help" -f -a "fail" -d 'Make a call of the host fail, as in set_tsc_info permission'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and not __fish_seen_subcommand_from advance set write-rtc reboot poweroff soft-reset fail help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from advance" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from write-rtc" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from reboot" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from poweroff" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from soft-reset" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from fail" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "advance" -d 'Advance the mock host\'s time'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "set" -d 'Change facts of the host: now, timezone, cpu_khz, tsc_reliable, tsc_scaling, tsc_invariant, clock_synchronised, clock_error_us, xen_version, memory_mb'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "write-rtc" -d 'Set the RTC as the guest does: to a time such as 2026-07-01T14:00:00, or by a number of seconds such as +20 or -3600'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "reboot" -d 'Reboot the guest: on Xen this creates a new domain, which takes over the tracked clock'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "poweroff" -d 'Power the guest off'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "soft-reset" -d 'Let the guest reset itself and keep its memory (kexec): its domain stays, and its clocks continue'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "fail" -d 'Make a call of the host fail, as in set_tsc_info permission'
complete -c xenclock -n "__fish_xenclock_using_subcommand mock; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c xenclock -n "__fish_xenclock_using_subcommand monitor" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand tsc-helper" -l device-model -d 'The command line of the device model; without it, orders are read from standard input' -r
complete -c xenclock -n "__fish_xenclock_using_subcommand tsc-helper" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand man-page" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xenclock -n "__fish_xenclock_using_subcommand completion" -s h -l help -d 'Print help'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "create" -d 'Start a domain from a domain XML or an xl.cfg, with the clock that the file requests'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "plan" -d 'Print the steps of create with their reasons, and change nothing'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "convert" -d 'Convert domain XML, an xl.cfg or libxl\'s JSON into another of these, and report everything Xen does differently'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "check" -d 'Check domain XML, xl.cfg or libxl\'s JSON, and report every error and every setting that Xen ignores'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "dumpxml" -d 'Print a running domain as libvirt\'s domain XML, with its present clock'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "edit" -d 'Change settings of an xl.cfg or a domain XML, and keep every other byte of the file'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "clock-list" -d 'List the clocks of all domains'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "clock-show" -d 'Show a domain\'s clock and the reason for each value'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "clock-set" -d 'Set a guest\'s clock from its next start on, or at once with --now'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "save" -d 'Save a guest to a file, which stock xl can restore too'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "restore" -d 'Restore a saved guest with its RTC unchanged, whichever toolstack saved it'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "migrate" -d 'Migrate a guest to another host, which may run xl or xenclock'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "migrate-receive" -d 'Receive a guest; the target host of migrate runs this'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "preflight" -d 'Report the effect of a move to another host on a guest\'s clock, without moving anything'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "clock-watch" -d 'Run the service: track the clocks of all domains, whichever toolstack starts them'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "host-info" -d 'Show the host\'s clock and TSC'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "list" -d 'List domains, as xl list does'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "destroy" -d 'Destroy a domain at once'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "pause" -d 'Pause a domain'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "unpause" -d 'Unpause a domain'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "domid" -d 'Print the ID of the domain with this name'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "domname" -d 'Print the name of the domain with this ID'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "shutdown" -d 'Shut a guest down'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "mock" -d 'Control the mock host: its time, its facts, its guests'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "monitor" -d 'Monitor a domain; create starts this process'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "tsc-helper" -d 'Set the TSC of new domains, on behalf of the service'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "man-page" -d 'Print a man page, in roff'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "completion" -d 'Print a completion script for a shell'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and not __fish_seen_subcommand_from create plan convert check dumpxml edit clock-list clock-show clock-set save restore migrate migrate-receive preflight clock-watch host-info list destroy pause unpause domid domname shutdown mock monitor tsc-helper man-page completion help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and __fish_seen_subcommand_from mock" -f -a "advance" -d 'Advance the mock host\'s time'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and __fish_seen_subcommand_from mock" -f -a "set" -d 'Change facts of the host: now, timezone, cpu_khz, tsc_reliable, tsc_scaling, tsc_invariant, clock_synchronised, clock_error_us, xen_version, memory_mb'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and __fish_seen_subcommand_from mock" -f -a "write-rtc" -d 'Set the RTC as the guest does: to a time such as 2026-07-01T14:00:00, or by a number of seconds such as +20 or -3600'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and __fish_seen_subcommand_from mock" -f -a "reboot" -d 'Reboot the guest: on Xen this creates a new domain, which takes over the tracked clock'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and __fish_seen_subcommand_from mock" -f -a "poweroff" -d 'Power the guest off'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and __fish_seen_subcommand_from mock" -f -a "soft-reset" -d 'Let the guest reset itself and keep its memory (kexec): its domain stays, and its clocks continue'
complete -c xenclock -n "__fish_xenclock_using_subcommand help; and __fish_seen_subcommand_from mock" -f -a "fail" -d 'Make a call of the host fail, as in set_tsc_info permission'
