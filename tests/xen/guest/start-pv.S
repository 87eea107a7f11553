/* Xen enters a PV guest here: 64-bit mode, %rsi at the start info. */
#define NOTE_TEXT(type, text) \
    .long 4, 9f - 8f, type; .asciz "Xen"; 8: .asciz text; 9: .align 4
#define NOTE_QUAD(type, value) \
    .long 4, 8, type; .asciz "Xen"; .quad value

    .section .note.Xen, "a", @note
    .align 4
    NOTE_TEXT(6, "xenclock-probe")      /* GUEST_OS */
    NOTE_TEXT(5, "xen-3.0")             /* XEN_VERSION */
    NOTE_TEXT(8, "generic")             /* LOADER */
    NOTE_QUAD(3, 0)                     /* VIRT_BASE */
    NOTE_QUAD(4, 0)                     /* PADDR_OFFSET */
    NOTE_QUAD(1, _start)                /* ENTRY */
    NOTE_QUAD(2, hypercall_page)        /* HYPERCALL_PAGE */

    .text
    .globl _start
_start:
    rdtsc
    mov $stack_top, %rsp
    mov %rsi, %rdi
    shl $32, %rdx
    or %rdx, %rax
    mov %rax, %rsi
    cld
    call probe
1:  jmp 1b

    .bss
    .align 4096
    .globl hypercall_page, shared_page
hypercall_page: .skip 4096
shared_page: .skip 4096
    .skip 8192
stack_top:
