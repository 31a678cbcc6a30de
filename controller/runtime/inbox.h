#pragma once

#include "controller/env/inbox.h"  // Moved there: the API server has an inbox too.
