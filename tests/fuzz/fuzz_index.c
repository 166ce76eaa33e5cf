/* Any text as model.safetensors.index.json beside two shards. */
#include "fuzz.h"

#include "fuzz_folder.h"

#define AB "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"   \
           "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}"
#define BC "{\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"   \
           "\"c\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (folder_open()) {
        folder_weights("x", AB, 8);
        folder_weights("y", BC, 8);
        scratch_text(&folder, "config.json", "{}");
    }
    scratch_put(&folder, "model.safetensors.index.json",
                (struct slice){ (const char *)data, size });
    folder_try();
    return 0;
}
