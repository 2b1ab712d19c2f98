#include "chart/colours.h"

static const struct colours light = {
    .ground = 0xffffff,
    .text = 0x1b1f23,
    .muted = 0x59616a,
    .line = 0xe2e4e7,
    .edge = 0x858d96,
    .series = { 0x0b62a8, 0xb5540a, 0x1f7a4d, 0x8a3ba8, 0xb3261e, 0x4f6470, 0xa8326f,
                0x6b6a00 },
    .inside = 0x0b62a8,
    .outside = 0xd3261e,
    .levels = { [CHART_INFO] = 0x0b62a8,
                [CHART_OK] = 0x1a6b3c,
                [CHART_WARNING] = 0xb07000,
                [CHART_ERROR] = 0xb3261e },
};

static const struct colours dark_ones = {
    .ground = 0x1a1e22,
    .text = 0xe4e7ea,
    .muted = 0x9da6af,
    .line = 0x2b3138,
    .edge = 0x727c86,
    .series = { 0x74b8f5, 0xf0a35a, 0x6fce9b, 0xd39bee, 0xff8f85, 0xa9bac5, 0xf09ac4,
                0xcfcb5e },
    .inside = 0x74b8f5,
    .outside = 0xff6f61,
    .levels = { [CHART_INFO] = 0x74b8f5,
                [CHART_OK] = 0x74cf9a,
                [CHART_WARNING] = 0xf0bb5a,
                [CHART_ERROR] = 0xff8f85 },
};

const struct colours *colours_of(bool dark)
{
    return dark ? &dark_ones : &light;
}
