/*! mkdocs-stats-plugin, MIT, source: js/src/stats.js */
(()=>{console.log(1);})();
