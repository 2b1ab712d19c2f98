#include "protocol/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>

/* Not every compiler knows this word for __builtin_cpu_supports(). */
static bool has_vaes(void)
{
    unsigned a, b, c = 0, d;

    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & bit_VAES) != 0;
}

static unsigned features_found(void)
{
    unsigned found = CPU_SSE2;

    __builtin_cpu_init();
    bool bmi = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    if (__builtin_cpu_supports("avx2") && bmi)
        found |= CPU_AVX2;
    if (__builtin_cpu_supports("avx512bw") && bmi)
        found |= CPU_AVX512;
    if (__builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1"))
        found |= CPU_AES;
    if (has_vaes())
        found |= CPU_VAES;
    return found;
}

#elif defined(__aarch64__)
#include <sys/auxv.h>

static unsigned features_found(void)
{
    return CPU_NEON | ((getauxval(AT_HWCAP) & HWCAP_AES) != 0 ? CPU_AES : 0);
}

#else

static unsigned features_found(void)
{
    return CPU_ANY;
}

#endif

bool cpu_has(unsigned features)
{
    return (features & ~features_found()) == 0;
}
