# Forces 64 bytes from standard input into the kernel's random number generator, so that machines that go on from one
# state draw different numbers from there on. Exit code 0: done.
#   as reseed.s -o reseed.o && ld -Ttext=0x400000 --oformat=binary -o reseed reseed.o
    .globl _start
    .set origin, 0x400000
file:                               # the smallest ELF file: one segment, which is read and run
    .byte 0x7f, 'E', 'L', 'F', 2, 1, 1, 0
    .quad 0
    .word 2, 62                     # an executable, x86-64
    .long 1
    .quad _start
    .quad segment - file
    .quad 0
    .long 0
    .word 64, 56, 1, 0, 0, 0
segment:
    .long 1, 5                      # loaded; read and run
    .quad 0, origin, origin
    .quad end - file, end - file
    .quad 4096
device:
    .asciz "/dev/urandom"
_start:
    subq $80, %rsp
    movl $512, (%rsp)               # struct rand_pool_info: bits that count, bytes, the bytes
    movl $64, 4(%rsp)
    leaq 8(%rsp), %rsi
    movl $64, %edx
1:  xorl %eax, %eax                 # read
    xorl %edi, %edi
    syscall
    testq %rax, %rax
    jle fail
    addq %rax, %rsi
    subq %rax, %rdx
    jnz 1b
    movl $2, %eax                   # open for writing
    leaq device(%rip), %rdi
    movl $1, %esi
    syscall
    movl %eax, %edi
    movl $16, %eax                  # ioctl RNDADDENTROPY
    movl $0x40085203, %esi
    movq %rsp, %rdx
    syscall
    testl %eax, %eax
    jnz fail
    movl $16, %eax                  # ioctl RNDRESEEDCRNG
    movl $0x5207, %esi
    syscall
    testl %eax, %eax
    jnz fail
    xorl %edi, %edi
2:  movl $60, %eax                  # exit
    syscall
fail:
    movl $1, %edi
    jmp 2b
end:
