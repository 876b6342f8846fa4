// SPDX-License-Identifier: MIT

//go:build !purego

#include "textflag.h"

// A vector holds one diagonal of two blocks, each in a half. There are two such pairs of blocks: while the next
// instruction of one waits for a result, the other goes on.

// What makes the block numbers of the first pair from that of the first block, and those of each pair from the last one's.
DATA first<>+0(SB)/8, $0
DATA first<>+8(SB)/8, $0
DATA first<>+16(SB)/8, $1
DATA first<>+24(SB)/8, $0
GLOBL first<>(SB), RODATA|NOPTR, $32

DATA next<>+0(SB)/8, $2
DATA next<>+8(SB)/8, $0
DATA next<>+16(SB)/8, $2
DATA next<>+24(SB)/8, $0
GLOBL next<>(SB), RODATA|NOPTR, $32

// to ^= (a + b) <<< left, by shifts both ways
#define SHIFT(a, b, left, right, to, t, u) \
	VPADDD a, b, t; \
	VPSLLD $left, t, u; \
	VPSRLD $right, t, t; \
	VPXOR t, to, to; \
	VPXOR u, to, to

// the same, by a rotation
#define ROTATE(a, b, left, right, to, t, u) \
	VPADDD a, b, t; \
	VPROLD $left, t, t; \
	VPXOR t, to, to

// ROUND is four quarter rounds. It leaves the diagonals turned, for the next one, which has b and d in each other's
// place: one round is about columns, the next about rows.
#define ROUND(STEP, a, b, c, d, t, u) \
	STEP(a, d, 7, 25, b, t, u); \
	STEP(b, a, 9, 23, c, t, u); \
	STEP(c, b, 13, 19, d, t, u); \
	STEP(d, c, 18, 14, a, t, u); \
	VPSHUFD $0x93, b, b; \
	VPSHUFD $0x4e, c, c; \
	VPSHUFD $0x39, d, d

#define DOUBLE_ROUND(STEP) \
	ROUND(STEP, Y0, Y1, Y2, Y3, Y8, Y9); \
	ROUND(STEP, Y4, Y5, Y6, Y7, Y10, Y11); \
	ROUND(STEP, Y0, Y3, Y2, Y1, Y8, Y9); \
	ROUND(STEP, Y4, Y7, Y6, Y5, Y10, Y11)

// ROW picks a row of the square from its diagonals, of which each has one word of it.
#define ROW(a, b, c, d, row, t) \
	VPBLENDD $0x22, b, a, row; \
	VPBLENDD $0x88, d, c, t; \
	VPBLENDD $0xcc, t, row, row

// XOR2 writes a half of two rows.
#define XOR2(half, low, high, at, t) \
	VPERM2I128 $half, high, low, t; \
	VPXOR at(SI), t, t; \
	VMOVDQU t, at(DI)

// XOR writes the two blocks of these diagonals.
#define XOR(a, b, c, d, at, r, s, t) \
	ROW(a, d, c, b, r, t); \
	ROW(b, a, d, c, s, t); \
	XOR2(0x20, r, s, at, t); \
	XOR2(0x31, r, s, at+64, t); \
	ROW(c, b, a, d, r, t); \
	ROW(d, c, b, a, s, t); \
	XOR2(0x20, r, s, at+32, t); \
	XOR2(0x31, r, s, at+96, t)

// func xorUnits(dst, src *byte, n int, s *state, rotate bool)
TEXT ·xorUnits(SB), NOSPLIT, $0-33
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ s+24(FP), DX
	VBROADCASTI128 0(DX), Y12
	VBROADCASTI128 16(DX), Y13
	VBROADCASTI128 32(DX), Y14
	VBROADCASTI128 48(DX), Y15
	VPADDD first<>(SB), Y14, Y14

unit:
	VMOVDQA Y12, Y0
	VMOVDQA Y13, Y1
	VMOVDQA Y14, Y2
	VMOVDQA Y15, Y3
	VMOVDQA Y12, Y4
	VMOVDQA Y13, Y5
	VPADDD next<>(SB), Y14, Y6
	VMOVDQA Y15, Y7
	MOVQ $10, AX

	CMPB rotate+32(FP), $0
	JNE rotating

shifting:
	DOUBLE_ROUND(SHIFT)
	DECQ AX
	JNZ shifting
	JMP write

rotating:
	DOUBLE_ROUND(ROTATE)
	DECQ AX
	JNZ rotating

write:
	VPADDD Y12, Y0, Y0
	VPADDD Y13, Y1, Y1
	VPADDD Y14, Y2, Y2
	VPADDD Y15, Y3, Y3
	XOR(Y0, Y1, Y2, Y3, 0, Y8, Y9, Y10)
	VPADDD next<>(SB), Y14, Y14
	VPADDD Y12, Y4, Y4
	VPADDD Y13, Y5, Y5
	VPADDD Y14, Y6, Y6
	VPADDD Y15, Y7, Y7
	XOR(Y4, Y5, Y6, Y7, 128, Y8, Y9, Y10)
	VPADDD next<>(SB), Y14, Y14

	ADDQ $256, DI
	ADDQ $256, SI
	DECQ CX
	JNZ unit
	VZEROUPPER
	RET
