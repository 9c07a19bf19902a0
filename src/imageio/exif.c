#include "imageio/exif.h"

#include <libexif/exif-data.h>

/*
 * A block with or without its head; NULL: not EXIF, or no memory.  `mend`: with
 * libexif's repairs, which convert values of unusual types, but also add what
 * the specification asks for and the file does not have.
 */
static ExifData *load(const uint8_t *data, size_t size, bool mend)
{
    static const uint8_t head[6] = "Exif\0";
    uint8_t *block = NULL;
    /* An EXIF block fits a JPEG segment; a longer one is not read. */
    if (!data || size < 8 || size > 65535)
        return NULL;
    /* libexif wants the head, which PNG and some WebP files leave out. */
    if (memcmp(data, head, sizeof(head)) != 0) {
        block = wf__alloc(size + sizeof(head), 1);
        if (!block)
            return NULL;
        memcpy(block, head, sizeof(head));
        memcpy(block + sizeof(head), data, size);
        data = block;
        size += sizeof(head);
    }
    ExifData *exif = exif_data_new();
    if (exif) {
        if (!mend)
            exif_data_unset_option(exif, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
        exif_data_load_data(exif, data, (unsigned)size);
    }
    wf__free(block);
    return exif;
}

int wf__exif_orientation(const uint8_t *data, size_t size)
{
    int orientation = 1;
    ExifData *exif = load(data, size, true);
    ExifEntry *entry = exif ? exif_content_get_entry(exif->ifd[EXIF_IFD_0],
                                                     EXIF_TAG_ORIENTATION)
                            : NULL;
    if (entry && entry->format == EXIF_FORMAT_SHORT && entry->size >= 2)
        orientation =
            exif_get_short(entry->data, exif_data_get_byte_order(exif));
    if (exif)
        exif_data_unref(exif);
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
}

static const struct {
    const char *key;
    ExifIfd ifd;
    ExifTag tag;
} entries[] = {
    {"camera make", EXIF_IFD_0, EXIF_TAG_MAKE},
    {"camera model", EXIF_IFD_0, EXIF_TAG_MODEL},
    {"lens make", EXIF_IFD_EXIF, EXIF_TAG_LENS_MAKE},
    {"lens", EXIF_IFD_EXIF, EXIF_TAG_LENS_MODEL},
    {"software", EXIF_IFD_0, EXIF_TAG_SOFTWARE},
    {"date taken", EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_ORIGINAL},
    {"date digitised", EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_DIGITIZED},
    {"date changed", EXIF_IFD_0, EXIF_TAG_DATE_TIME},
    {"exposure time", EXIF_IFD_EXIF, EXIF_TAG_EXPOSURE_TIME},
    {"aperture", EXIF_IFD_EXIF, EXIF_TAG_FNUMBER},
    {"sensitivity, ISO", EXIF_IFD_EXIF, EXIF_TAG_ISO_SPEED_RATINGS},
    {"focal length", EXIF_IFD_EXIF, EXIF_TAG_FOCAL_LENGTH},
    {"focal length, 35 mm equivalent", EXIF_IFD_EXIF,
     EXIF_TAG_FOCAL_LENGTH_IN_35MM_FILM},
    {"digital zoom", EXIF_IFD_EXIF, EXIF_TAG_DIGITAL_ZOOM_RATIO},
    {"flash", EXIF_IFD_EXIF, EXIF_TAG_FLASH},
};

static void write_entries(ExifData *exif, wf__facts *facts)
{
    char value[256];
    for (size_t i = 0; i < WF__COUNT(entries); i++) {
        ExifEntry *entry =
            exif_content_get_entry(exif->ifd[entries[i].ifd], entries[i].tag);
        *value = '\0';
        if (entry && entry->data &&
            exif_entry_get_value(entry, value, sizeof(value)))
            wf__fact_text(facts, entries[i].key, value);
    }
}

void wf__exif_facts(const uint8_t *data, size_t size, wf__facts *facts)
{
    static const char *const turned[] = {"as stored",
                                         "mirrored",
                                         "turned by 180 degrees",
                                         "mirrored upside down",
                                         "mirrored along the diagonal",
                                         "turned by 90 degrees clockwise",
                                         "mirrored along the other diagonal",
                                         "turned by 90 degrees anticlockwise"};
    ExifData *exif = load(data, size, false);
    if (!exif) {
        wf__fact(facts, "EXIF", data ? "not readable" : "none");
        return;
    }
    int orientation = wf__exif_orientation(data, size);
    wf__fact(facts, "EXIF", "%zu bytes", size);
    wf__fact(facts, "orientation", "%d (read %s)", orientation,
             turned[orientation - 1]);
    write_entries(exif, facts);
    if (exif->size)
        wf__fact(facts, "EXIF thumbnail", "present, not shown");
    if (exif_content_get_entry(exif->ifd[EXIF_IFD_GPS],
                               (ExifTag)EXIF_TAG_GPS_LATITUDE))
        wf__fact(facts, "GPS position", "present, not shown");
    exif_data_unref(exif);
}
