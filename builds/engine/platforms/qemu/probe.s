# A boot sector that answers only where real guests run: it turns on paging and 64-bit mode, works in memory for a
# moment, and ends QEMU with exit code 85 (42 on isa-debug-exit).
#   as probe.s -o probe.o && ld -Ttext=0x7c00 --oformat=binary -o probe.bin probe.o
    .code16
    .globl _start
_start:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    cld
    movl $0x1000, %edi              # page tables: the first 2 MiB, mapped to themselves
    movl $3072, %ecx
    xorl %eax, %eax
    rep stosl
    movl $0x2003, 0x1000
    movl $0x3003, 0x2000
    movl $0x0083, 0x3000
    movl $0x20, %eax                # physical address extension
    movl %eax, %cr4
    movl $0x1000, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx          # long mode enable
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl %cr0, %eax
    orl $0x80000001, %eax           # paging, protection
    movl %eax, %cr0
    lgdt table
    ljmp $8, $long
    .code64
long:
    movl $20000000, %ecx
1:  movq %rcx, %rax
    andl $0xfff, %eax
    movq %rcx, 0x8000(%rax)
    decl %ecx
    jnz 1b
    movl $42, %eax
    outl %eax, $0xf4
2:  hlt
    jmp 2b
    .balign 8
gdt:
    .quad 0
    .quad 0x00af9b000000ffff        # 64-bit code
table:
    .word table - gdt - 1
    .long gdt
    .org 510
    .word 0xaa55
