/* A table of texts, in the format that is asked for. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stddef.h>

#define CLI_COLUMNS 10

typedef struct cli_table {
    const char *format; /* "text", "markdown" or "latex" */
    char title[200];
    size_t n_columns, n_rows, capacity;
    char (*cells)[CLI_COLUMNS][96]; /* the first row is the heading */
} cli_table;

/* A new row of empty cells; NULL without memory. */
char (*cli_table_row(cli_table *table))[96];
void cli_table_print(const cli_table *table);

#endif
