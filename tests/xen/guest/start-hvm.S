/* Xen enters an HVM or PVH guest here: 32-bit protected mode, no paging. */
    .section .note.Xen, "a", @note
    .align 4
    .long 4, 4, 18              /* sizes of name and value; PHYS32_ENTRY */
    .asciz "Xen"
    .long _start

    .text
    .globl _start
_start:
    rdtsc
    mov $stack_top, %esp
    push %edx
    push %eax
    push %ebx
    cld
    call probe
1:  hlt
    jmp 1b

    .bss
    .align 4096
    .globl hypercall_page, shared_page
hypercall_page: .skip 4096
shared_page: .skip 4096
    .skip 8192
stack_top:
